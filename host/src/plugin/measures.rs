//! What plugins count and observe in a run. It is gathered here, and counts once the run's result is stored.

use std::sync::Arc;

/// Measurements of one run; further ones are ignored, and counted.
const MAX_MEASURED: usize = 10_000;

/// Characters of a name.
const MAX_NAME: usize = 64;

/// Gathered in the order made.
#[derive(Debug, Default)]
pub struct Measures {
    made: Vec<Measured>,
    /// Those that were ignored, by plugin.
    ignored: Vec<(Arc<str>, u64)>,
    marked: usize,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Who made it.
    pub plugin: Arc<str>,
    /// Of what: `[a-z_][a-z0-9_]*`, not too long.
    pub name: String,
    /// How much.
    pub measure: Measure,
}

/// What a plugin says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// So many more.
    Count(u32),
    /// One of this size; finite.
    Observation(f64),
}

impl Measures {
    /// Takes a measurement, unless its name or its value is not allowed, or there are too many.
    pub fn take(&mut self, plugin: &Arc<str>, name: String, measure: Measure) {
        let finite = !matches!(measure, Measure::Observation(value) if !value.is_finite());
        if finite && is_name(&name) && self.made.len() < MAX_MEASURED {
            self.made.push(Measured { plugin: plugin.clone(), name, measure });
        } else if finite {
            self.ignore(plugin);
        }
    }

    /// Takes note that a measurement was ignored. That stays when a call fails: it is about the plugin, not the run.
    fn ignore(&mut self, plugin: &Arc<str>) {
        match self.ignored.iter_mut().find(|(name, _)| name == plugin) {
            Some((_, count)) => *count += 1,
            None => self.ignored.push((plugin.clone(), 1)),
        }
    }

    /// Everything that counts.
    pub fn made(&self) -> &[Measured] {
        &self.made
    }

    /// How many were ignored, by plugin.
    pub fn ignored(&self) -> &[(Arc<str>, u64)] {
        &self.ignored
    }

    pub(super) fn mark(&mut self) {
        self.marked = self.made.len();
    }

    pub(super) fn roll_back(&mut self) {
        self.made.truncate(self.marked);
    }
}

fn is_name(name: &str) -> bool {
    let mut characters = name.bytes();
    let first = characters.next().is_some_and(|first| first == b'_' || first.is_ascii_lowercase());
    let word = |byte: u8| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
    first && characters.all(word) && name.len() <= MAX_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_metric_is_ignored_and_counted() {
        let plugin: Arc<str> = "p".into();
        let long = "x".repeat(MAX_NAME);
        for (name, is_one) in [
            ("a", true),
            ("_", true),
            ("items_2", true),
            (&*long, true),
            (&*format!("{long}x"), false),
            ("", false),
            ("2nd", false),
            ("Upper", false),
            ("a-b", false),
            ("ä", false),
            ("a{b=\"c\"}", false),
            ("a\n", false),
            ("***", false),
        ] {
            let mut measures = Measures::default();
            measures.take(&plugin, name.to_owned(), Measure::Count(1));
            let ignored = measures.ignored().iter().map(|(_, count)| *count).sum::<u64>();
            assert_eq!((measures.made().len(), ignored), (usize::from(is_one), u64::from(!is_one)), "{name}");
        }
        let mut measures = Measures::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            measures.take(&plugin, "a".to_owned(), Measure::Observation(value));
        }
        assert_eq!((measures.made(), measures.ignored()), (&[][..], &[][..]), "not a measurement at all");
    }

    #[test]
    fn a_failed_call_has_measured_nothing_and_a_run_not_everything() {
        let plugin: Arc<str> = "p".into();
        let mut measures = Measures::default();
        let count = |measures: &mut Measures, many: usize| {
            (0..many).for_each(|_| measures.take(&plugin, "a".to_owned(), Measure::Count(1)));
        };
        count(&mut measures, 3);
        measures.mark();
        count(&mut measures, 4);
        measures.roll_back();
        assert_eq!(measures.made().len(), 3);
        count(&mut measures, MAX_MEASURED);
        assert_eq!(measures.made().len(), MAX_MEASURED);
        assert_eq!(measures.ignored(), [(plugin.clone(), 3)]);
    }
}
