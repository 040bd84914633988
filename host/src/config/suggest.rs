//! "Did you mean": the nearest of the words that would have been right.

/// The nearest word, if one is near enough to be a slip of the keyboard or another form of the same word.
pub(crate) fn did_you_mean<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    // Distances grow with the product of the lengths, and no word here is longer.
    if written.len() > 100 {
        return None;
    }
    let near = |word: &&str| {
        let slips = strsim::damerau_levenshtein(written, word);
        slips <= (word.chars().count() / 3).max(1) || strsim::jaro_winkler(written, word) > 0.9
    };
    words.filter(near).min_by_key(|word| strsim::damerau_levenshtein(written, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_that_is_near_enough() {
        let words = ["source", "events", "match", "plugins", "to", "respond"];
        for (written, expected) in [
            ("evnts", Some("events")),
            ("event", Some("events")),
            ("plugin", Some("plugins")),
            ("sources", Some("source")),
            ("ot", Some("to")),
            ("response", Some("respond")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(written, words.into_iter()), expected, "{written}");
        }
    }
}
