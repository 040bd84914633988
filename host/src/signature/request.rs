//! The request that is to be proven genuine, and what a scheme reads of it.

use std::borrow::Cow;

use crate::event::{Body, Headers, Pointer};

use super::certificate::SigningCertificate;
use super::refusal::Refusal;
use super::scheme::Place;

/// What a proof may be about.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Upper case.
    pub method: &'a str,
    /// The address that the sender called, with its query, as it knows it; None where that is not known.
    pub url: Option<&'a str>,
    /// The query without `?`, percent-encoded as received.
    pub query: &'a str,
    /// As received.
    pub headers: &'a Headers,
    /// The exact bytes.
    pub body: &'a Body,
    /// The certificate that the request names, where one does and no certificate is known beforehand.
    pub certificate: Option<&'a SigningCertificate>,
}

impl<'a> SignedRequest<'a> {
    /// What stands at a place: one text, or several where the place may hold several; at least one.
    pub(super) fn read(&self, place: &Place) -> Result<Vec<Cow<'a, str>>, Refusal> {
        match place {
            Place::Header(name) => Ok(vec![Cow::Borrowed(single(self.headers, name)?)]),
            Place::HeaderSeries(prefix) => self.series(prefix),
            Place::Query(name) => match crate::routing::query(self.query, name) {
                Some(text) if !text.is_empty() => Ok(vec![Cow::Owned(text)]),
                _ => Err(Refusal::MissingParameter(name.clone())),
            },
            Place::Body(pointer) => Ok(vec![self.node(pointer)?]),
            Place::BodyEach { list, item } => self.each(list, item),
        }
    }

    /// A scalar of the body's JSON view, as text.
    pub(super) fn node(&self, pointer: &Pointer) -> Result<Cow<'a, str>, Refusal> {
        let found = self.body.json().ok().and_then(|document| document.scalar(pointer.as_str()));
        found.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::MissingNode(pointer.as_str().to_owned()))
    }

    fn series(&self, prefix: &str) -> Result<Vec<Cow<'a, str>>, Refusal> {
        let numbered = |name: &str| {
            name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
                && !name[prefix.len()..].is_empty()
                && name[prefix.len()..].bytes().all(|byte| byte.is_ascii_digit())
        };
        let mut found = Vec::new();
        for (name, _) in self.headers.iter().filter(|(name, _)| numbered(name)) {
            found.push(Cow::Borrowed(single(self.headers, name)?));
        }
        if found.is_empty() { Err(Refusal::MissingHeader(format!("{prefix}1"))) } else { Ok(found) }
    }

    fn each(&self, list: &Pointer, item: &Pointer) -> Result<Vec<Cow<'a, str>>, Refusal> {
        let missing = || Refusal::MissingNode(format!("{}/*{}", list.as_str(), item.as_str()));
        let document = self.body.json().map_err(|_| missing())?;
        let items = document.find(list.as_str()).and_then(|node| document.items(node)).ok_or_else(missing)?;
        let mut found = Vec::with_capacity(items.len());
        for node in items {
            let text = document.find_in(node, item.as_str()).and_then(|node| document.scalar_of(node));
            found.push(text.filter(|text| !text.is_empty()).ok_or_else(missing)?);
        }
        if found.is_empty() { Err(missing()) } else { Ok(found) }
    }
}

/// The only value of a header. An attacker who adds a second one must not choose which of the two is read.
pub(super) fn single<'h>(headers: &'h Headers, name: &str) -> Result<&'h str, Refusal> {
    let mut values = headers.all(name);
    let value = values.next().ok_or_else(|| Refusal::MissingHeader(name.to_owned()))?;
    if values.next().is_some() {
        return Err(Refusal::DuplicateHeader(name.to_owned()));
    }
    match std::str::from_utf8(value).map(str::trim) {
        Ok("") => Err(Refusal::MissingHeader(name.to_owned())),
        Ok(text) => Ok(text),
        Err(_) => Err(Refusal::MalformedHeader(name.to_owned())),
    }
}

impl Place {
    /// The name of what is there, for people.
    pub(super) fn label(&self) -> String {
        match self {
            Place::Header(name) => name.clone(),
            Place::HeaderSeries(prefix) => format!("{prefix}*"),
            Place::Query(name) => format!("query parameter {name}"),
            Place::Body(pointer) => format!("{} of the body", pointer.as_str()),
            Place::BodyEach { list, item } => format!("{}/*{} of the body", list.as_str(), item.as_str()),
        }
    }
}
