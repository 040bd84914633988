//! What every engine has to do, written against the trait. An engine joins with one line:
//! `conformance!(|limits| make_store(limits));` makes a test of each check. Whatever a check is about, at its end the
//! store has to find itself in order.

use std::sync::Arc;

use super::{Limits, Store};

mod basics;
mod concurrency;
mod dedupe;
pub(in crate::store) mod kit;
mod kv;
mod leases;
mod model;
mod operators;
mod order;
mod queries;
mod retention;

pub(crate) use basics::*;
pub(crate) use concurrency::*;
pub(crate) use dedupe::*;
pub(crate) use kit::assert_sound;
pub(crate) use kv::*;
pub(crate) use leases::*;
pub(crate) use model::random_walk;
pub(crate) use operators::*;
pub(crate) use order::*;
pub(crate) use queries::*;
pub(crate) use retention::*;

/// More than any check needs that is not about room.
pub(crate) const ROOMY: Limits = Limits { events: 100_000, bytes: 1 << 30 };

/// Makes an empty store.
pub(crate) type Make<'a> = &'a dyn Fn(Limits) -> Arc<dyn Store>;

/// Makes a test of each check. The closure makes an empty store with these limits.
macro_rules! conformance {
    ($make:expr) => {
        conformance!($make,
            stores_events_and_hands_out_runs,
            keeps_unrouted_events,
            fans_out,
            keeps_dead_letters,
            destinations_do_not_wait_for_each_other,
            full_means_nothing_was_stored,
            work_goes_on_when_full,
            what_has_ended_takes_no_room,
            recognises_duplicates,
            keeps_replies_for_duplicates,
            forgets_keys_after_their_time,
            leases_at_once,
            an_old_lease_settles_nothing,
            hands_out_again_when_a_lease_runs_out,
            a_lease_that_is_renewed_lasts,
            a_lease_that_has_run_out_can_be_renewed,
            what_never_ended_says_where_it_was,
            a_late_settlement_counts_until_handed_out_again,
            retries_when_due,
            releasing_does_not_count,
            hastens_what_was_put_off,
            hastens_at_any_time,
            says_what_went_wrong_last,
            wakes_whoever_waits,
            keys_go_in_order_and_side_by_side,
            the_next_waits_for_retries_and_deliveries,
            the_next_goes_on_after_a_dead_letter,
            the_next_waits_for_dead_letters_if_told_so,
            leases_at_once_only_what_need_not_wait,
            plugins_keep_values,
            values_expire,
            what_was_read_must_not_have_changed,
            a_conflict_records_nothing_and_keeps_the_lease,
            a_lease_that_is_renewed_outlasts_a_conflict,
            what_is_kept_is_counted_and_bounded,
            keys_of_values_are_listed,
            redelivers_under_the_same_id,
            reruns_what_is_dead,
            reprocesses_events,
            discards_dead_letters,
            disables_destinations,
            operators_are_heard_when_it_is_full,
            removes_what_is_old_enough,
            removes_the_content_first,
            removes_dead_letters_and_lets_others_go_on,
            removes_the_oldest_beyond_the_bytes,
            removes_in_small_steps,
            duplicates_are_known_when_the_event_is_gone,
            lists_events,
            lists_work,
            shows_an_event_with_its_work,
            records_attempts_in_order,
            keeps_the_last_hundred_attempts,
            counts_what_waits,
            concurrent_producers_and_workers,
            dropping_an_answer_cancels_nothing,
            a_large_fan_out_holds_up_nothing,
            random_walk,
        );
    };
    ($make:expr, $($check:ident),+ $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $check() {
            let make = $make;
            let made = std::cell::RefCell::new(Vec::new());
            $crate::store::conformance::$check(&|limits| {
                let store: std::sync::Arc<dyn $crate::store::Store> = std::sync::Arc::new(make(limits));
                made.borrow_mut().push(std::sync::Arc::clone(&store));
                store
            })
            .await;
            for store in made.take() {
                $crate::store::conformance::assert_sound(&*store).await;
            }
        })+
    };
}
pub(crate) use conformance;
