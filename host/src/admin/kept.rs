//! The values that plugins keep between events. Whoever can look here can read every body as well, and nothing of a value is
//! withheld.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::config::{Config, KvAccess};
use crate::store::{KvKey, Page};

use super::body;
use super::control::Control;
use super::refusal::Refusal;
use super::view::{BodyView, List, Moment};

/// A key, without its value.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeyView {
    pub(crate) key: String,
    /// Bytes of its value.
    pub(crate) size: u64,
    /// None if it never does.
    pub(crate) expires_at: Option<Moment>,
}

/// What is kept under a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptView {
    pub(crate) key: String,
    pub(crate) expires_at: Option<Moment>,
    pub(crate) value: BodyView,
}

impl Control {
    /// Keys of a plugin, in their order. `after` is what `next` of the part before said.
    pub(super) async fn keys(
        &self,
        plugin: &str,
        prefix: String,
        after: Option<String>,
        limit: usize,
    ) -> Result<List<KeyView>, Refusal> {
        let namespace = self.namespace(plugin).await?;
        let page = Page { after: after.as_deref().map(place).transpose()?, limit };
        let found = self.store.kv_keys(namespace, prefix, page, self.clock.now()).await?;
        // A key may be anything; what goes on a command line is letters and digits.
        let last = found.last().filter(|_| found.len() >= limit);
        let next = last.map(|last| URL_SAFE_NO_PAD.encode(&last.key));
        Ok(List { items: found.into_iter().map(KeyView::from).collect(), next })
    }

    /// What a plugin keeps under a key; its beginning unless `full`.
    pub(super) async fn kept(&self, plugin: &str, key: &str, full: bool) -> Result<KeptView, Refusal> {
        let (namespace, now) = (self.namespace(plugin).await?, self.clock.now());
        let value = self.store.kv(namespace.clone(), key.to_owned(), now).await?;
        let value = value.ok_or_else(|| {
            Refusal::missing(format!("nothing is kept for plugin `{plugin}` under the key {key:?}"))
        })?;
        // Of all keys that begin with it, it is the first.
        let page = Page { after: None, limit: 1 };
        let listed = self.store.kv_keys(namespace, key.to_owned(), page, now).await?;
        let listed = listed.into_iter().find(|listed| listed.key == key);
        Ok(KeptView {
            key: key.to_owned(),
            expires_at: listed.and_then(|listed| listed.expires_at).map(Moment),
            value: body::view(&value.value, full),
        })
    }

    /// Where a plugin's values are. What is kept outlives a grant and a plugin, so that a name under which something is kept
    /// will do as well.
    async fn namespace(&self, name: &str) -> Result<Arc<str>, Refusal> {
        if let Some(namespace) = self.today.config(|config| granted(config, name)) {
            return Ok(namespace);
        }
        let kept = self.store.stats().await?.kept;
        if let Some((namespace, _)) = kept.iter().find(|(namespace, _)| **namespace == *name) {
            return Ok(namespace.clone());
        }
        let is_plugin = self.today.config(|config| config.plugins.contains_key(name));
        if is_plugin {
            return Err(Refusal::missing(format!(
                "plugin `{name}` is not granted kv, and nothing is kept for it"
            )));
        }
        let mut names: Vec<String> = self.today.config(|config| {
            let keeping = config.plugins.values().filter(|plugin| plugin.allow.kv != KvAccess::None);
            keeping.map(|plugin| plugin.name.to_string()).collect()
        });
        names.extend(kept.iter().map(|(namespace, _)| namespace.to_string()));
        names.sort_unstable();
        names.dedup();
        let there_are = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        Err(Refusal::missing(format!(
            "there is no plugin `{name}` that keeps anything; those that may: {there_are}"
        )))
    }
}

impl From<KvKey> for KeyView {
    fn from(key: KvKey) -> Self {
        KeyView { key: key.key, size: key.size, expires_at: key.expires_at.map(Moment) }
    }
}

/// The namespace that the configuration grants.
fn granted(config: &Config, name: &str) -> Option<Arc<str>> {
    let plugin = config.plugins.get(name)?;
    plugin.allow.kv.namespace(&plugin.name)
}

fn place(after: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(after).ok();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| Refusal::bad(format!("`after` cannot be {after:?}: give what `next` said")))
}
