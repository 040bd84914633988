//! Which items a command is about. All ids are gathered before anything is done: a list that changes while it is worked
//! through would be read past some and over others twice.

use uuid::Uuid;

use crate::admin::{Batch, EventView, RefusedView, RunRef, WorkView};

use super::failed::Failed;
use super::listing::Target;
use super::reach::Reach;

/// Items of which a dry run shows more than the number.
const SAMPLE: usize = 10;

/// Something to be done once more, or to be put aside.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Delivery(Uuid),
    Run(RunRef),
    /// A delivery or a dead run: the gateway finds out which.
    Any(Uuid),
    Event(Uuid),
}

impl Item {
    pub(super) fn id(&self) -> Uuid {
        match self {
            Item::Delivery(id) | Item::Any(id) | Item::Event(id) => *id,
            Item::Run(run) => run.id,
        }
    }

    pub(super) fn put(self, batch: &mut Batch) {
        match self {
            Item::Delivery(id) => batch.deliveries.push(id),
            Item::Run(run) => batch.runs.push(run),
            Item::Any(id) => batch.ids.push(id),
            Item::Event(id) => batch.events.push(id),
        }
    }
}

/// Items in the order in which they came, with the newest few as they are listed.
pub(super) struct Selection<T> {
    pub(super) items: Vec<Item>,
    pub(super) sample: Vec<T>,
}

impl<T> Selection<T> {
    /// Those that an operator names, each once.
    pub(super) fn named(ids: &[Uuid], item: impl Fn(Uuid) -> Item) -> Self {
        let mut seen = std::collections::HashSet::new();
        let items = ids.iter().filter(|id| seen.insert(**id)).map(|id| item(*id)).collect();
        Selection { items, sample: Vec::new() }
    }

    async fn gather(
        reach: &Reach,
        target: &Target,
        wanted: impl Fn(&T) -> Option<Item>,
    ) -> Result<Self, Failed>
    where
        T: serde::de::DeserializeOwned,
    {
        let mut selection = Selection { items: Vec::new(), sample: Vec::new() };
        let take = |found: T| {
            if let Some(item) = wanted(&found) {
                selection.items.push(item);
                if selection.sample.len() < SAMPLE {
                    selection.sample.push(found);
                }
            }
        };
        target.each(reach, take).await?;
        // Lists begin with the newest; what happened first is done first.
        selection.items.reverse();
        Ok(selection)
    }
}

impl Selection<WorkView> {
    pub(super) async fn dead_letters(reach: &Reach, target: &Target) -> Result<Self, Failed> {
        Selection::gather(reach, target, |work: &WorkView| {
            Some(match &work.kind[..] {
                "run" => Item::Run(RunRef { id: work.id, route: work.route.clone() }),
                _ => Item::Delivery(work.id),
            })
        })
        .await
    }
}

impl Selection<RefusedView> {
    pub(super) async fn refused(reach: &Reach, target: &Target) -> Result<Self, Failed> {
        Selection::gather(reach, target, |refused: &RefusedView| Some(Item::Any(refused.id))).await
    }
}

impl Selection<EventView> {
    /// Those that have ended: what is still under way is not begun a second time by the way.
    pub(super) async fn ended_events(reach: &Reach, target: &Target) -> Result<Self, Failed> {
        let ended = |event: &EventView| (event.state != "pending").then_some(Item::Event(event.id));
        Selection::gather(reach, target, ended).await
    }
}
