//! Opens the file, or makes it: is it ours, is it whole, does it have the tables that this version knows.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// The file's name in the state directory.
pub(super) const FILE: &str = "events.db";

/// Says in the file's head whose it is: "HKYD".
const APPLICATION_ID: i32 = 0x484b_5944;

/// What makes each version of the tables from the one before. Never changed once it has been published; added to.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// Before it a write-ahead log that was reset at the wrong moment could corrupt the file.
const OLDEST_LIBRARY: i32 = 3_051_003;

/// Bytes of a page.
pub(super) const PAGE: u32 = 4096;

/// How long somebody else who writes to the file, such as an operator's tool, is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept ready: more than there are.
const STATEMENTS: usize = 128;

/// Why a store cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has it open.
    InUse {
        /// Its number, if it could be read.
        pid: Option<u32>,
    },
    /// The SQLite library is too old.
    Library {
        /// Its version.
        found: String,
    },
    /// A newer version of Hookyard made it.
    Newer {
        /// The version of its tables.
        found: i32,
        /// The latest that this version knows.
        known: i32,
    },
    /// The file is something else's.
    Foreign(PathBuf),
    /// A file or the directory cannot be used.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// What SQLite says, or what is wrong with the content.
    Unusable {
        /// Which file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::InUse { pid: Some(pid) } => write!(f, "the store is in use by process {pid}"),
            OpenError::InUse { pid: None } => f.write_str("the store is in use by another process"),
            OpenError::Library { found } => write!(
                f,
                "SQLite {found} is too old: before 3.51.3 a bug of its write-ahead log could damage the store"
            ),
            OpenError::Newer { found, known } => write!(
                f,
                "the store was made by a newer version of Hookyard (its tables are version {found}, this one knows \
                 up to {known}): run that version, or restore a backup from before it ran"
            ),
            OpenError::Foreign(path) => {
                write!(
                    f,
                    "{} is not a store of Hookyard: move it away, or choose another directory",
                    path.display()
                )
            }
            OpenError::Io { path, error } => write!(f, "failed to use {}: {error}", path.display()),
            OpenError::Unusable { path, detail } => write!(f, "failed to open {}: {detail}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Opens connections to one store's file.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    pub(super) path: PathBuf,
    pub(super) vfs: Option<String>,
}

impl Opener {
    /// The connection that writes. Makes the file if there is none, and takes what a process that died has left in the
    /// log into the file, so that nothing is acknowledged on top of what is not safe.
    pub(super) fn writer(&self) -> Result<Connection, OpenError> {
        if rusqlite::version_number() < OLDEST_LIBRARY {
            return Err(OpenError::Library { found: rusqlite::version().to_owned() });
        }
        // SQLite gives its other files the mode of this one.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let failed = |error| OpenError::Io { path: self.path.clone(), error };
        options.open(&self.path).map_err(failed)?;
        let unclean = with_suffix(&self.path, "-wal").metadata().is_ok_and(|log| log.len() > 0);
        let db = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|error| self.refusal(error))?;
        self.check_ours(&db)?;
        prepare(&db, unclean).map_err(|error| self.refusal(error))?;
        self.migrate(&db)?;
        Ok(db)
    }

    /// A connection that only reads, or checkpoints, with about so many KiB of cache.
    pub(super) fn other(&self, cache: u32) -> rusqlite::Result<Connection> {
        let db = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.execute_batch(&format!(
            "PRAGMA cache_size = -{cache}; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
        ))?;
        Ok(db)
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let db = match &self.vfs {
            None => Connection::open_with_flags(&self.path, flags)?,
            Some(vfs) => Connection::open_with_flags_and_vfs(&self.path, flags, vfs.as_str())?,
        };
        db.busy_timeout(BUSY)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        // Otherwise a statement is planned anew whenever a value that it compares with changes: that is at each use.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(db)
    }

    fn check_ours(&self, db: &Connection) -> Result<(), OpenError> {
        let number =
            |sql| db.query_row(sql, [], |row| row.get::<_, i32>(0)).map_err(|error| self.refusal(error));
        let tables = number("SELECT count(*) FROM sqlite_schema")?;
        let owner = number("PRAGMA application_id")?;
        let version = number("PRAGMA user_version")?;
        let known = MIGRATIONS.len() as i32;
        match owner {
            // A process may have died before it made the tables.
            0 if tables == 0 => Ok(()),
            APPLICATION_ID if version > known => Err(OpenError::Newer { found: version, known }),
            APPLICATION_ID => Ok(()),
            _ => Err(OpenError::Foreign(self.path.clone())),
        }
    }

    fn migrate(&self, db: &Connection) -> Result<(), OpenError> {
        let version = || db.query_row("PRAGMA user_version", [], |row| row.get::<_, i32>(0));
        let done = version().map_err(|error| self.refusal(error))?.max(0) as usize;
        for (at, migration) in MIGRATIONS.iter().enumerate().skip(done) {
            let number = at + 1;
            let sql = format!(
                "BEGIN IMMEDIATE;\n{migration}\nPRAGMA application_id = {APPLICATION_ID};\n\
                 PRAGMA user_version = {number};\nCOMMIT;"
            );
            db.execute_batch(&sql).map_err(|error| self.refusal(error))?;
        }
        Ok(())
    }

    fn refusal(&self, error: rusqlite::Error) -> OpenError {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign(self.path.clone()),
            _ => OpenError::Unusable { path: self.path.clone(), detail: error.to_string() },
        }
    }
}

fn prepare(db: &Connection, unclean: bool) -> rusqlite::Result<()> {
    // The first two count only for a file that is still empty.
    db.execute_batch(&format!(
        "PRAGMA page_size = {PAGE};
         PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA foreign_keys = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -8192;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;"
    ))?;
    if unclean && let Err(error) = checkpoint(db) {
        // A full disk: nothing will be accepted, and what is in the log can be worked off from there.
        if error.sqlite_error_code() != Some(ErrorCode::DiskFull) {
            return Err(error);
        }
        tracing::warn!(%error, "the store's log could not be taken into its file; free disk space");
    }
    Ok(())
}

/// Takes all of the log into the file and empties it. Waits for those who read.
pub(super) fn checkpoint(db: &Connection) -> rusqlite::Result<()> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// The path of a file that SQLite keeps next to another.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
