//! The engines and their pools of memory.
//!
//! Small guests have memory that stays resident between calls, so that a fresh instance costs microseconds. At that price
//! it matters that an engine counts its users and locks its pool: two threads that do so on one engine take up to twice as
//! long for each call. So small guests have an engine for each thread, a lane. Guests that bring a language runtime of
//! megabytes share one engine.
//! A pool's slots reserve address space, not
//! memory; where even that is scarce (`ulimit -v`), smaller reservations with explicit bounds checks take their place.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, Inlining, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::shape::{SMALL_RESIDENT, Size};

/// Instances that a lane has room for: one at a time, and one for each plugin that is reused.
const LANE_SLOTS: u32 = 64;

/// Instances that the pool for guests that wait has room for: those of all threads that wait, and those that are kept.
const PATIENT_SLOTS: u32 = 160;

/// More threads share lanes: each lane reserves address space and has a copy of the code.
const MAX_LANES: usize = 32;

/// How often running guests are interrupted to look at the time.
pub(super) const TICK: Duration = Duration::from_millis(5);

/// Ticks without a call after which the ticker sleeps.
const IDLE_TICKS: u32 = 200;

/// The engines, for the life of the process. Cloning shares them.
#[derive(Clone)]
pub struct Runtime {
    /// A lane each.
    small: Arc<[Engine]>,
    large: Engine,
    /// For guests that wait for somebody outside: they keep their place in the pool meanwhile, which must be nobody
    /// else's. Made when the first of them is loaded.
    patient: Arc<[OnceLock<Engine>; 2]>,
    pub(super) calls: Arc<Calls>,
    /// Bytes that a pool's slots have room for; fixed when the pool is made.
    pub(super) max_memory: usize,
}

/// Why the engines cannot be made.
#[derive(Clone, Debug)]
pub struct RuntimeError(String);

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the WebAssembly engine cannot start: {}", self.0)
    }
}

impl std::error::Error for RuntimeError {}

impl Runtime {
    /// Makes the engines for at most `threads` calls at once, no guest having more than `max_memory` bytes, and starts
    /// the thread that keeps their time.
    pub fn new(threads: usize, max_memory: usize) -> Result<Self, RuntimeError> {
        let slots = u32::try_from(threads.saturating_mul(8).clamp(32, 512)).unwrap_or(512);
        let lanes = (0..threads.clamp(1, MAX_LANES)).map(|_| engine(Size::Small, LANE_SLOTS, 1, max_memory));
        let small: Arc<[Engine]> = lanes.collect::<Result<_, _>>()?;
        let large = engine(Size::Large, slots, 1, max_memory)?;
        let calls = Arc::new(Calls::default());
        let patient: Arc<[OnceLock<Engine>; 2]> = Arc::default();
        let ticking =
            (Arc::downgrade(&small), large.weak(), Arc::downgrade(&calls), Arc::downgrade(&patient));
        let ticker = std::thread::Builder::new().name("hookyard-epoch".to_owned()).spawn(move || {
            let mut idle = 0;
            loop {
                std::thread::sleep(TICK);
                let (Some(small), Some(large), Some(calls), Some(patient)) =
                    (ticking.0.upgrade(), ticking.1.upgrade(), ticking.2.upgrade(), ticking.3.upgrade())
                else {
                    return;
                };
                small.iter().for_each(Engine::increment_epoch);
                large.increment_epoch();
                patient.iter().filter_map(OnceLock::get).for_each(Engine::increment_epoch);
                idle = if calls.none() { idle + 1 } else { 0 };
                if idle > IDLE_TICKS && calls.sleep() {
                    drop((small, large, calls, patient));
                    std::thread::park_timeout(Duration::from_secs(1));
                    idle = 0;
                }
            }
        });
        let ticker = ticker.map_err(|error| RuntimeError(error.to_string()))?;
        let _ = calls.ticker.set(ticker.thread().clone());
        Ok(Runtime { small, large, patient, calls, max_memory })
    }

    /// The engine for guests of that size that wait for somebody outside.
    pub(super) fn patient(&self, size: Size) -> Result<&Engine, RuntimeError> {
        let place = match size {
            Size::Small => &self.patient[0],
            Size::Large => &self.patient[1],
        };
        if let Some(engine) = place.get() {
            return Ok(engine);
        }
        let engine = engine(size, PATIENT_SLOTS, PATIENT_SLOTS, self.max_memory)?;
        Ok(place.get_or_init(|| engine))
    }

    /// The engines for guests of that size, a lane each.
    pub(super) fn lanes(&self, size: Size) -> &[Engine] {
        match size {
            Size::Small => &self.small,
            Size::Large => std::slice::from_ref(&self.large),
        }
    }
}

/// Which of so many lanes this thread uses. Guest threads are begun one after the other, so that each has its own.
pub(super) fn lane(lanes: usize) -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    THREAD.with(|thread| thread % lanes)
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

/// Counts running calls in several places, so that threads do not wait for each other to count.
const COUNTERS: usize = 16;

/// How many calls are running; the ticker sleeps while there are none.
#[derive(Default)]
pub(super) struct Calls {
    running: [Counter; COUNTERS],
    asleep: std::sync::atomic::AtomicBool,
    ticker: OnceLock<std::thread::Thread>,
}

/// Alone on its cache lines; processors fetch two at once.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicU32);

impl Calls {
    /// Counts a call until the guard is dropped, and makes sure that the ticker ticks.
    pub(super) fn enter(&self) -> Running<'_> {
        let running = &self.running[lane(COUNTERS)];
        running.0.fetch_add(1, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && self.asleep.swap(false, Ordering::AcqRel)
            && let Some(ticker) = self.ticker.get()
        {
            ticker.unpark();
        }
        Running(running)
    }

    fn none(&self) -> bool {
        self.running.iter().all(|running| running.0.load(Ordering::SeqCst) == 0)
    }

    /// Says that the ticker is about to sleep; false if a call has begun meanwhile.
    fn sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        if self.none() {
            return true;
        }
        self.asleep.store(false, Ordering::SeqCst);
        false
    }
}

pub(super) struct Running<'a>(&'a Counter);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn engine(size: Size, slots: u32, stacks: u32, max_memory: usize) -> Result<Engine, RuntimeError> {
    // 4 GiB for each slot lets the processor's page tables do the bounds checks.
    let roomy = config(size, slots, stacks, max_memory, 4 << 30);
    Engine::new(&roomy)
        .or_else(|_| Engine::new(&config(size, slots.min(32), stacks.min(32), max_memory, max_memory as u64)))
        .map_err(|error| RuntimeError(format!("{error:#}")))
}

fn config(size: Size, slots: u32, stacks: u32, max_memory: usize, reservation: u64) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_memories(slots * size.memories())
        .total_tables(slots * size.tables())
        .total_core_instances(slots * size.core_instances())
        .max_core_instances_per_component(size.core_instances())
        .max_memories_per_component(size.memories())
        .max_tables_per_component(size.tables())
        .max_component_instance_size(size.instance_bytes())
        .max_core_instance_size(size.instance_bytes())
        .table_elements(size.table_elements())
        .max_memory_size(max_memory)
        // Stacks are for asynchronous calls, of which there are few. Each of the default's 1000 costs two mappings, of
        // which a process may have 65530.
        .total_stacks(stacks)
        .linear_memory_keep_resident(SMALL_RESIDENT)
        .table_keep_resident(16 * 1024)
        .max_unused_warm_slots(size.warm_slots())
        // An upstream report says that pages swapped out are not reset, so that the next instance could read them.
        .pagemap_scan(Enabled::No);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(reservation)
        .concurrency_support(false)
        .epoch_interruption(true)
        .memory_init_cow(size == Size::Large)
        .max_wasm_stack(512 * 1024)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(32))
        .compiler_inlining(Inlining::No)
        // What no toolchain in use needs is attack surface.
        .wasm_component_model(true)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .cranelift_nan_canonicalization(false);
    config
}
