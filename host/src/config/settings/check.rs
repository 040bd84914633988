//! Checks values against a schema that has been read: every keyword has the right form.

use serde_json::{Map, Value};

use super::super::suggest::did_you_mean;
use super::equal::{equal, weight};
use super::words::{count, expected, found, is_of, one_of, shown};
use super::{MAX_DEPTH, MAX_STEPS, MAX_UNFIT, SettingsSchema, Unfit, plain, referred};

/// Finding out takes too much work.
struct TooMuch;

type Checked = Result<(), TooMuch>;

pub(super) fn check(schema: &SettingsSchema, settings: &Value) -> Result<Vec<Unfit>, String> {
    let mut work = Work { schema, steps: 0, depth: 0 };
    let mut unfit = Vec::new();
    match work.value(&schema.root, settings, "", &mut unfit) {
        Ok(()) => {
            unfit.truncate(MAX_UNFIT);
            Ok(unfit)
        }
        Err(TooMuch) => Err(format!("checking it takes more than {MAX_STEPS} steps or {MAX_DEPTH} levels")),
    }
}

struct Work<'s> {
    schema: &'s SettingsSchema,
    steps: usize,
    depth: usize,
}

impl<'s> Work<'s> {
    fn step(&mut self, steps: usize) -> Checked {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(TooMuch) } else { Ok(()) }
    }

    /// Adds what is wrong with a value.
    fn value(&mut self, schema: &'s Value, value: &Value, at: &str, unfit: &mut Vec<Unfit>) -> Checked {
        self.step(1)?;
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(false) => {
                unfit.push(Unfit::at(at, "is not allowed here"));
                return Ok(());
            }
            _ => return Ok(()),
        };
        if self.depth >= MAX_DEPTH {
            return Err(TooMuch);
        }
        self.depth += 1;
        let checked = self.keywords(keywords, value, at, unfit);
        self.depth -= 1;
        checked
    }

    fn keywords(
        &mut self,
        keywords: &'s Map<String, Value>,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str)
            && let Some(schema) = referred(&self.schema.root, reference)
        {
            self.value(schema, value, at, unfit)?;
        }
        if let Some(types) = keywords.get("type")
            && !is_of(value, types)
        {
            unfit.push(Unfit::at(at, format!("expected {}, found {}", expected(types), found(value))));
            // What else there is to say of it would be said of another type.
            return Ok(());
        }
        self.choices(keywords, value, at, unfit)?;
        match value {
            Value::Number(_) => number(keywords, value, at, unfit),
            Value::String(text) => self.text(keywords, text, at, unfit)?,
            Value::Array(items) => self.list(keywords, items, at, unfit)?,
            Value::Object(members) => self.table(keywords, members, value, at, unfit)?,
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(keywords, value, at, unfit)
    }

    fn choices(
        &mut self,
        keywords: &Map<String, Value>,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        if let Some(Value::Array(choices)) = keywords.get("enum") {
            self.step(choices.len() * weight(value))?;
            if !choices.iter().any(|choice| equal(choice, value)) {
                unfit.push(Unfit::at(at, format!("expected {}", one_of(choices))));
            }
        }
        if let Some(constant) = keywords.get("const")
            && !equal(constant, value)
        {
            unfit.push(Unfit::at(at, format!("expected {}", shown(constant))));
        }
        Ok(())
    }

    fn text(
        &mut self,
        keywords: &Map<String, Value>,
        text: &str,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        let characters = text.chars().count();
        bounds(keywords, ["minLength", "maxLength"], characters, ["character", "characters"], at, unfit);
        if let Some(pattern) = keywords.get("pattern").and_then(Value::as_str) {
            self.step(1 + text.len() / 16)?;
            if self.schema.patterns.get(pattern).is_some_and(|compiled| !compiled.is_match(text)) {
                unfit.push(Unfit::at(at, format!("expected a text that matches {pattern}")));
            }
        }
        Ok(())
    }

    fn list(
        &mut self,
        keywords: &'s Map<String, Value>,
        items: &[Value],
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        bounds(keywords, ["minItems", "maxItems"], items.len(), ["item", "items"], at, unfit);
        // Draft 7 has a list at `items`, later ones at `prefixItems`, with one for the rest beside it.
        let (first, rest) = match (keywords.get("prefixItems"), keywords.get("items")) {
            (Some(Value::Array(first)), rest) => (first.as_slice(), rest),
            (_, Some(Value::Array(first))) => (first.as_slice(), keywords.get("additionalItems")),
            (_, rest) => (&[][..], rest),
        };
        for (number, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(number).or(rest) {
                self.value(schema, item, &format!("{at}/{number}"), unfit)?;
            }
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            self.unique(items, at, unfit)?;
        }
        if let Some(schema) = keywords.get("contains") {
            let mut any = false;
            for item in items {
                any = any || self.fits(schema, item)?;
            }
            if !any {
                unfit.push(Unfit::at(at, "holds no item of the kind that it needs"));
            }
        }
        Ok(())
    }

    fn unique(&mut self, items: &[Value], at: &str, unfit: &mut Vec<Unfit>) -> Checked {
        for (number, item) in items.iter().enumerate() {
            // Comparing is cheaper than looking at a schema.
            self.step(1 + number.saturating_mul(weight(item)) / 16)?;
            if items.iter().take(number).any(|before| equal(before, item)) {
                unfit.push(Unfit::at(&format!("{at}/{number}"), "is there already"));
            }
        }
        Ok(())
    }

    fn table(
        &mut self,
        keywords: &'s Map<String, Value>,
        members: &Map<String, Value>,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        bounds(keywords, ["minProperties", "maxProperties"], members.len(), ["key", "keys"], at, unfit);
        lacking(keywords.get("required"), members, at, unfit);
        self.dependent(keywords, members, value, at, unfit)?;
        let properties = keywords.get("properties").and_then(Value::as_object);
        let patterns = keywords.get("patternProperties").and_then(Value::as_object);
        for (name, member) in members {
            let within = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if let Some(schema) = keywords.get("propertyNames")
                && !self.fits(schema, &Value::String(name.clone()))?
            {
                unfit.push(Unfit::at(&within, "is not a key that is allowed"));
            }
            let mut known = false;
            if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
                known = true;
                self.value(schema, member, &within, unfit)?;
            }
            for (pattern, schema) in patterns.into_iter().flatten() {
                self.step(1)?;
                if self.schema.patterns.get(pattern).is_some_and(|compiled| compiled.is_match(name)) {
                    known = true;
                    self.value(schema, member, &within, unfit)?;
                }
            }
            match keywords.get("additionalProperties") {
                Some(Value::Bool(false)) if !known => unfit.push(unknown(name, properties, &within)),
                Some(schema) if !known => self.value(schema, member, &within, unfit)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What is demanded where a key is there.
    fn dependent(
        &mut self,
        keywords: &'s Map<String, Value>,
        members: &Map<String, Value>,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
            let depends = keywords.get(keyword).and_then(Value::as_object).into_iter().flatten();
            for (_, depends) in depends.filter(|(name, _)| members.contains_key(*name)) {
                match depends {
                    Value::Array(_) => lacking(Some(depends), members, at, unfit),
                    schema => self.value(schema, value, at, unfit)?,
                }
            }
        }
        Ok(())
    }

    fn combined(
        &mut self,
        keywords: &'s Map<String, Value>,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        for schema in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.value(schema, value, at, unfit)?;
        }
        if let Some(Value::Array(schemas)) = keywords.get("anyOf") {
            self.alternatives(schemas, false, value, at, unfit)?;
        }
        if let Some(Value::Array(schemas)) = keywords.get("oneOf") {
            self.alternatives(schemas, true, value, at, unfit)?;
        }
        if let Some(schema) = keywords.get("not")
            && self.fits(schema, value)?
        {
            unfit.push(Unfit::at(at, "is what it must not be"));
        }
        if let Some(condition) = keywords.get("if") {
            let branch = if self.fits(condition, value)? { "then" } else { "else" };
            if let Some(schema) = keywords.get(branch) {
                self.value(schema, value, at, unfit)?;
            }
        }
        Ok(())
    }

    /// One of the schemas must fit, and not several where they exclude each other. If none does, what is told is of the one
    /// that came closest: the one whose problems stand deepest, and of those the fewest.
    fn alternatives(
        &mut self,
        schemas: &'s [Value],
        exclusive: bool,
        value: &Value,
        at: &str,
        unfit: &mut Vec<Unfit>,
    ) -> Checked {
        let mut fitting = 0;
        let mut closest: Option<(usize, Vec<Unfit>)> = None;
        for schema in schemas {
            let mut problems = Vec::new();
            self.value(schema, value, at, &mut problems)?;
            let here = problems.iter().filter(|problem| problem.pointer == at).count();
            match &closest {
                _ if problems.is_empty() => fitting += 1,
                Some((least, _)) if *least <= here => {}
                _ => closest = Some((here, problems)),
            }
        }
        match closest {
            Some((here, problems)) if fitting == 0 && (here == 0 || schemas.len() == 1) => {
                unfit.extend(problems)
            }
            _ if fitting == 0 => {
                let ways = count(schemas.len(), "way", "ways");
                unfit.push(Unfit::at(at, format!("is written in none of the {ways} that are allowed")));
            }
            _ if exclusive && fitting > 1 => {
                unfit.push(Unfit::at(
                    at,
                    format!("can be understood in {fitting} ways, of which it must be one"),
                ));
            }
            _ => {}
        }
        Ok(())
    }

    fn fits(&mut self, schema: &'s Value, value: &Value) -> Result<bool, TooMuch> {
        let mut unfit = Vec::new();
        self.value(schema, value, "", &mut unfit)?;
        Ok(unfit.is_empty())
    }
}

/// Whether a number is as a demand says.
type Holds = fn(f64, f64) -> bool;

fn number(keywords: &Map<String, Value>, value: &Value, at: &str, unfit: &mut Vec<Unfit>) {
    let Some(number) = value.as_f64() else { return };
    let demands: [(&str, &str, Holds); 5] = [
        ("minimum", "at least", |number, limit| number >= limit),
        ("maximum", "at most", |number, limit| number <= limit),
        ("exclusiveMinimum", "more than", |number, limit| number > limit),
        ("exclusiveMaximum", "less than", |number, limit| number < limit),
        ("multipleOf", "a multiple of", |number, of| {
            let parts = number / of;
            (parts - parts.round()).abs() < 1e-9 * parts.abs().max(1.0)
        }),
    ];
    for (keyword, words, holds) in demands {
        let Some(demand) = keywords.get(keyword) else { continue };
        if demand.as_f64().is_some_and(|limit| !holds(number, limit)) {
            unfit.push(Unfit::at(at, format!("expected {words} {demand}")));
        }
    }
}

fn bounds(
    keywords: &Map<String, Value>,
    [least, most]: [&str; 2],
    found: usize,
    [one, many]: [&str; 2],
    at: &str,
    unfit: &mut Vec<Unfit>,
) {
    let limit = |keyword| keywords.get(keyword).and_then(Value::as_f64).map(|limit| limit as usize);
    if let Some(least) = limit(least).filter(|least| found < *least) {
        unfit.push(Unfit::at(at, format!("expected at least {}", count(least, one, many))));
    }
    if let Some(most) = limit(most).filter(|most| found > *most) {
        unfit.push(Unfit::at(at, format!("expected at most {}", count(most, one, many))));
    }
}

fn lacking(required: Option<&Value>, members: &Map<String, Value>, at: &str, unfit: &mut Vec<Unfit>) {
    let names = required.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    for name in names.filter(|name| !members.contains_key(*name)) {
        unfit.push(Unfit::at(at, format!("lacks `{name}`")));
    }
}

fn unknown(name: &str, known: Option<&Map<String, Value>>, at: &str) -> Unfit {
    let names = known.into_iter().flat_map(Map::keys).map(String::as_str);
    Unfit::at(
        at,
        match did_you_mean(name, names) {
            Some(near) => format!("unknown key: did you mean `{near}`?"),
            None => "unknown key".to_owned(),
        },
    )
}

impl Unfit {
    fn at(pointer: &str, message: impl AsRef<str>) -> Self {
        Unfit { pointer: pointer.to_owned(), message: plain(message.as_ref()) }
    }
}
