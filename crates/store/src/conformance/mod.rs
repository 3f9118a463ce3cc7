//! The contract of the three traits as tests. A backend runs all of them:
//!
//! ```ignore
//! store::configuration_contract!(open());
//! store::once_contract!(open());
//! store::activity_contract!(open());
//! ```
//!
//! where `open()` gives a fresh, empty store and something that lives as long as the test, such as a directory.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]
#![allow(missing_docs, reason = "each test's name is what it demands")]

pub mod activity;
pub mod configuration;
pub mod once;

/// Makes a test of each named function of a module.
#[doc(hidden)]
#[macro_export]
macro_rules! contract {
    ($module:ident, $open:expr, [$($name:ident)*]) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let (store, _alive) = $open;
                $crate::conformance::$module::$name(std::sync::Arc::new(store)).await;
            }
        )*
    };
}

/// The contract of [`Configuration`](crate::Configuration) as tests.
#[macro_export]
macro_rules! configuration_contract {
    ($open:expr) => {
        $crate::contract!(configuration, $open, [
            a_new_store_is_empty_at_serial_0_of_epoch_1
            what_was_put_is_read_back_with_fields_nobody_knows
            each_write_raises_version_and_serial
            a_write_from_an_old_version_is_a_conflict
            an_object_is_created_once
            an_object_that_is_not_there_can_be_neither_replaced_nor_deleted
            a_deletion_leaves_a_tombstone
            an_object_created_anew_goes_on_with_its_versions
            a_refused_write_changes_nothing_at_all
            steps_of_a_write_see_the_ones_before
            a_write_without_steps_changes_nothing
            objects_are_found_by_their_keys_octet_by_octet
            a_key_has_one_holder
            a_key_is_free_after_replacement_or_deletion
            kinds_are_separate
            a_kind_of_a_later_release_is_kept
            objects_of_one_node_have_versions_but_no_place_in_the_history
            lists_and_histories_come_in_pages
            the_history_tells_who_and_when
            the_change_before_a_position_is_of_the_same_object
            writers_that_race_for_one_object_lose_no_update
            writers_in_parallel_leave_no_gap_in_the_serial_numbers
            reads_see_every_write_that_returned
            a_higher_epoch_fences_the_older_writer
            one_of_many_raises_the_epoch
        ]);
    };
}

/// The contract of [`Once`](crate::Once) as tests.
#[macro_export]
macro_rules! once_contract {
    ($open:expr) => {
        $crate::contract!(once, $open, [
            a_value_is_taken_once
            an_unknown_handle_gives_nothing
            purposes_are_separate
            an_entry_is_gone_at_the_instant_it_expires
            a_used_handle_is_not_put_again
            of_many_takers_one_succeeds
            a_key_is_seen_once_until_it_expires
            of_many_inserters_one_succeeds
            a_value_is_swapped_only_for_the_expected_one
            of_many_swappers_one_succeeds
            an_expired_value_counts_as_absent_for_a_swap
            purging_removes_what_expired_and_no_more_than_asked
            handles_and_values_may_be_any_text_and_octets
        ]);
    };
}

/// The contract of [`Activity`](crate::Activity) as tests.
#[macro_export]
macro_rules! activity_contract {
    ($open:expr) => {
        $crate::contract!(activity, $open, [
            an_unknown_account_has_no_activity
            activity_is_read_back_as_written
            a_swap_needs_the_version_that_was_read
            accounts_are_separate
            counters_lose_no_guess
            purging_forgets_what_was_not_written_since
        ]);
    };
}
