//! The part of the recording VFS that SQLite calls: C functions that tell the disk and go on to the default VFS.

#![expect(unsafe_code, reason = "a VFS is a table of C functions over C structures")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::size_of;
use std::path::Path;
use std::ptr;

use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use super::vfs::Shared;

/// An open file as SQLite holds it: in memory that SQLite allocates, `szOsFile` bytes, the default VFS's file behind it.
#[repr(C)]
struct File {
    /// What SQLite sees; first, since SQLite has a pointer to this only.
    head: sqlite3_file,
    shared: &'static Shared,
    /// None is not recorded.
    number: Option<usize>,
    /// The first sync also syncs the directory, as the default VFS does with journals that it may have created.
    syncs_directory: bool,
    /// It has been told that a sync of this file has failed.
    told_of_failure: bool,
}

/// Version 2: with shared memory and without memory-mapped files, which would be written past the record.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes a VFS known to SQLite. It stays in memory for good.
pub(super) fn register(name: &str, shared: &'static Shared) {
    // SAFETY: the default VFS exists as long as the process, and its structure does not change but for its place in the
    // list of all. The copy's functions other than those replaced are given the copy, and make nothing of it.
    let mut vfs = unsafe { *default_vfs() };
    vfs.szOsFile += c_int::try_from(size_of::<File>()).expect("a small structure");
    vfs.pNext = ptr::null_mut();
    vfs.zName = c_string(name).into_raw();
    vfs.pAppData = ptr::from_ref(shared).cast_mut().cast();
    vfs.xOpen = Some(open);
    vfs.xDelete = Some(delete);
    // SAFETY: the structure and what it names are never freed.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0) };
    assert_eq!(code, ffi::SQLITE_OK, "sqlite3_vfs_register");
}

/// Has SQLite open no more files with it.
pub(super) fn unregister(name: &str) {
    // SAFETY: a VFS that is not found is null, which is ignored; files that are still open go on.
    unsafe { ffi::sqlite3_vfs_unregister(ffi::sqlite3_vfs_find(c_string(name).as_ptr())) };
}

fn c_string(name: &str) -> CString {
    CString::new(name).expect("a name without a zero byte")
}

fn default_vfs() -> *mut sqlite3_vfs {
    // SAFETY: may be called at any time by any thread.
    unsafe { ffi::sqlite3_vfs_find(ptr::null()) }
}

/// What `register` was given.
///
/// # Safety
///
/// The VFS must come from `register`.
unsafe fn shared(vfs: *mut sqlite3_vfs) -> &'static Shared {
    // SAFETY: `register` stored a reference that lives for good.
    unsafe { &*(*vfs).pAppData.cast::<Shared>() }
}

/// The last part of a path.
///
/// # Safety
///
/// The path must end with a zero byte.
unsafe fn file_name(path: *const c_char) -> String {
    // SAFETY: as the caller promises.
    let path = unsafe { CStr::from_ptr(path) }.to_str().expect("a path in UTF-8");
    Path::new(path).file_name().expect("a file's path").to_str().expect("UTF-8").to_owned()
}

/// Our part of an open file.
///
/// # Safety
///
/// The file must have been opened by `open`, with success.
unsafe fn ours<'a>(file: *mut sqlite3_file) -> &'a File {
    // SAFETY: `open` has put it there; SQLite uses a file from one thread at a time.
    unsafe { &*file.cast::<File>() }
}

/// The default VFS's part of it.
fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SQLite allocated the sum of both sizes.
    file.cast::<File>().wrapping_add(1).cast()
}

/// Calls a method of the default VFS's file.
macro_rules! forward {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let below = below($file);
        // SAFETY: SQLite calls methods of files that `open` has opened, so the file below is open, and its methods are
        // the default VFS's, which has all of version 2. The arguments are passed on as they came.
        unsafe { ((*(*below).pMethods).$method.expect("the default VFS has it"))(below $(, $argument)*) }
    }};
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let open_below = || {
        let default = default_vfs();
        // SAFETY: the memory behind our part is the default's own; the path, with what stands behind it for the default
        // to read, is passed on as it came and lives as long as the file.
        unsafe { ((*default).xOpen.expect("every VFS has it"))(default, path, below(file), flags, flags_out) }
    };
    // SAFETY: SQLite gives what `register` made, and a path that is a C string or null.
    let (shared, name) = unsafe { (shared(vfs), (!path.is_null()).then(|| file_name(path))) };
    let (code, number) = match name {
        Some(name) => {
            let (code, number) = shared.open(&name, open_below);
            (code, Some(number))
        }
        None => (open_below(), None),
    };
    // A file without methods is not closed by SQLite.
    let methods = if code == ffi::SQLITE_OK { &raw const METHODS } else { ptr::null() };
    let journal = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
    let syncs_directory = flags & ffi::SQLITE_OPEN_CREATE != 0 && flags & journal != 0;
    let head = sqlite3_file { pMethods: methods };
    let ours = File { head, shared, number, syncs_directory, told_of_failure: false };
    // SAFETY: SQLite has allocated `szOsFile` bytes, aligned for any structure, that nobody else uses.
    unsafe { file.cast::<File>().write(ours) };
    code
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, path: *const c_char, sync_directory: c_int) -> c_int {
    let delete_below = || {
        let default = default_vfs();
        // SAFETY: passed on as it came. The sync is only recorded.
        unsafe { ((*default).xDelete.expect("every VFS has it"))(default, path, 0) }
    };
    // SAFETY: SQLite gives what `register` made, and a C string.
    let (shared, name) = unsafe { (shared(vfs), file_name(path)) };
    shared.delete(&name, sync_directory != 0, delete_below)
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    forward!(file, xClose)
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    forward!(file, xRead, to, count, at)
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite calls with a file that `open` has opened, and with so many bytes to read.
    let (ours, bytes) = unsafe { (ours(file), std::slice::from_raw_parts(from.cast::<u8>(), length(count))) };
    let write_below = || forward!(file, xWrite, from, count, at);
    let size = || {
        let mut size = 0;
        forward!(file, xFileSize, &raw mut size);
        place(size)
    };
    match ours.number {
        Some(number) => ours.shared.write(number, place(at), bytes, size, write_below),
        None => write_below(),
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let truncate_below = || forward!(file, xTruncate, size);
    // SAFETY: SQLite calls with a file that `open` has opened.
    let ours = unsafe { ours(file) };
    match ours.number {
        Some(number) => ours.shared.truncate(number, place(size), truncate_below),
        None => truncate_below(),
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls with a file that `open` has opened, from one thread at a time, and nobody keeps a reference.
    let ours = unsafe { &mut *file.cast::<File>() };
    let Some(number) = ours.number else { return ffi::SQLITE_OK };
    let code = ours.shared.sync(number, ours.syncs_directory, &mut ours.told_of_failure);
    if code == ffi::SQLITE_OK {
        ours.syncs_directory = false;
    }
    code
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    forward!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    forward!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    forward!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, held: *mut c_int) -> c_int {
    forward!(file, xCheckReservedLock, held)
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    match what {
        // These let the default VFS make files grow past the record.
        ffi::SQLITE_FCNTL_SIZE_HINT | ffi::SQLITE_FCNTL_CHUNK_SIZE => ffi::SQLITE_NOTFOUND,
        _ => forward!(file, xFileControl, what, argument),
    }
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    forward!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    forward!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    mapped: *mut *mut c_void,
) -> c_int {
    forward!(file, xShmMap, region, size, extend, mapped)
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    forward!(file, xShmLock, offset, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    forward!(file, xShmBarrier);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    forward!(file, xShmUnmap, delete)
}

fn length(count: c_int) -> usize {
    usize::try_from(count).expect("SQLite counts from 0")
}

fn place(at: sqlite3_int64) -> usize {
    usize::try_from(at).expect("SQLite counts from 0")
}
