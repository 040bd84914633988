//! The operators' half of the store: which thread does what of it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::delivery::RunId;
use crate::event::{EventId, UnixMillis};
use crate::store::{
    Answer, Cursor, EventFilter, EventRecord, EventSummary, Intervened, Intervention, KvKey, Page, Queue,
    Readiness, Removed, Retention, Stats, StoreError, WorkFilter, WorkRecord,
};

use super::books::Books;
use super::intervene::Outcome;
use super::jobs::Job;
use super::open::Opener;
use super::read::{self, LeasedRows, ReadThread};
use super::store::SqliteStore;
use super::writer::{Safety, Writer};

/// How long a list may take; whoever wants more asks for less at a time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The threads that answer operators.
#[derive(Debug)]
pub(super) struct Operators {
    /// Lists, records, sizes.
    pub(super) lists: ReadThread,
    /// What goes through all of the file.
    whole: ReadThread,
    file: Arc<PathBuf>,
}

impl Operators {
    /// Starts them.
    pub(super) fn start(opener: &Opener) -> Result<Self, StoreError> {
        Ok(Operators {
            lists: ReadThread::start(opener, PATIENCE)?,
            whole: ReadThread::start(opener, Duration::MAX)?,
            file: Arc::new(opener.path.clone()),
        })
    }

    /// Ends them, breaking off what they do.
    pub(super) fn stop(&mut self) {
        self.lists.stop();
        self.whole.stop();
    }
}

impl SqliteStore {
    pub(super) fn ask_intervene(
        &self,
        batch: Vec<Intervention>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<Intervened>> {
        let done = self.write(Safety::Synced, move |books, db| {
            books.at(now);
            batch.iter().map(|asked| books.intervene(db, asked, now)).collect::<Result<Vec<_>, _>>()
        });
        Box::pin(async move {
            let done = done.await?;
            let not_dead = done.iter().filter_map(|outcome| match outcome {
                Outcome::Known(_) => None,
                Outcome::NotDead(run) => Some(*run),
            });
            let known = self.known_runs(not_dead.collect()).await;
            let answer = |outcome| match outcome {
                Outcome::Known(answer) => answer,
                Outcome::NotDead(run) if known.contains(&run) => Intervened::Unfit,
                Outcome::NotDead(_) => Intervened::Missing,
            };
            Ok(done.into_iter().map(answer).collect())
        })
    }

    /// Which of these there are, though not as dead letters.
    async fn known_runs(&self, runs: Vec<RunId>) -> HashSet<RunId> {
        if runs.is_empty() {
            return HashSet::new();
        }
        // Should it take too long to find out, they are none that anybody has seen lately.
        self.operators.lists.ask(move |db| read::known_runs(db, &runs)).await.unwrap_or_default()
    }

    pub(super) fn ask_retain(
        &self,
        retention: Retention,
        now: UnixMillis,
        step: usize,
    ) -> Answer<'_, Removed> {
        self.write(Safety::Soon, move |books, db| {
            books.at(now);
            books.retain(db, &retention, now, step)
        })
    }

    /// Asked of the writer, who counts as he goes: a reader would have to look at every row that waits.
    pub(super) fn ask_readiness(&self) -> Answer<'_, Readiness> {
        let (answer, answered) = oneshot::channel();
        let look = move |writer: &mut Writer| drop(answer.send(writer.readiness()));
        self.send(Job::Other(Box::new(look)));
        self.answered(answered)
    }

    pub(super) fn ask_stats(&self) -> Answer<'_, Stats> {
        let file = Arc::clone(&self.operators.file);
        self.operators.lists.ask(move |db| read::stats(db, &file))
    }

    pub(super) fn ask_events(
        &self,
        filter: EventFilter,
        page: Page<EventId>,
    ) -> Answer<'_, Vec<EventSummary>> {
        self.operators.lists.ask(move |db| read::events(db, &filter, page))
    }

    pub(super) fn ask_event(&self, id: EventId, limit: usize) -> Answer<'_, Option<EventRecord>> {
        let leased = self.leased();
        Box::pin(async move {
            let [runs, deliveries] = leased.await?;
            self.operators.lists.ask(move |db| read::record_of(db, id, limit, [&runs, &deliveries])).await
        })
    }

    pub(super) fn ask_work(
        &self,
        queue: Queue,
        filter: WorkFilter,
        page: Page<Cursor>,
    ) -> Answer<'_, Vec<WorkRecord>> {
        let leased = self.leased();
        Box::pin(async move {
            let [runs, deliveries] = leased.await?;
            let leased = if queue == Queue::Runs { runs } else { deliveries };
            self.operators.lists.ask(move |db| read::work(db, queue, &filter, page, &leased)).await
        })
    }

    /// Not asked of the thread that plugins wait for.
    pub(super) fn ask_kv_keys(
        &self,
        namespace: Arc<str>,
        prefix: String,
        page: Page<String>,
        now: UnixMillis,
    ) -> Answer<'_, Vec<KvKey>> {
        self.operators.lists.ask(move |db| read::kept_keys(db, &namespace, &prefix, &page, now))
    }

    pub(super) fn ask_verify(&self) -> Answer<'_, Vec<String>> {
        self.operators.whole.ask_by_and_by(read::verify)
    }

    pub(super) fn ask_backup(&self, to: PathBuf) -> Answer<'_, ()> {
        let closing = self.operators.whole.closing();
        self.operators.whole.ask(move |db| read::backup(db, &to, &closing))
    }

    /// The runs and the deliveries that are leased: this stands in no row.
    fn leased(&self) -> Answer<'_, [LeasedRows; 2]> {
        let (answer, answered) = oneshot::channel();
        let look = move |writer: &mut Writer| drop(answer.send(leased_rows(&writer.books)));
        self.send(Job::Other(Box::new(look)));
        Box::pin(
            async move { answered.await.map_err(|_| StoreError::Failed("its thread has ended".to_owned())) },
        )
    }
}

fn leased_rows(books: &Books) -> [LeasedRows; 2] {
    [LeasedRows::new(books.runs.leased().collect()), LeasedRows::new(books.deliveries.leased().collect())]
}
