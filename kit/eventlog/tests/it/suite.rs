//! The contract of the log: what a consumer may rely on, whatever carries the events.
//!
//! Each function here is a test of any adapter. An adapter implements [`LogUnderTest`] and runs [`all`]; this file and
//! its folder do not change for it. What only one adapter can promise or suffer stands beside its harness.

pub(crate) mod delivery;
pub(crate) mod effects;
pub(crate) mod failures;
pub(crate) mod instances;
pub(crate) mod people;
pub(crate) mod stretches;
pub(crate) mod threads;

use std::time::Duration;

use testkit::FakeClock;

use crate::probe::Process;

/// What the suite needs of an adapter.
pub(crate) trait LogUnderTest {
    /// A process that has just started, on the same data as those before it.
    fn start(&self) -> Process;

    /// Two processes at the same time, on the same data.
    fn side_by_side(&self) -> (Process, Process);

    /// The clock of every process.
    fn clock(&self) -> &FakeClock;

    /// A process that starts when the one before it has died and its leases have run out.
    fn restart(&self) -> Process {
        self.clock().advance(LEASES_RUN_OUT);
        self.start()
    }
}

/// Longer than any lease of a consumer lasts.
pub(crate) const LEASES_RUN_OUT: Duration = Duration::from_secs(61);

/// Hands every test of the suite to a macro of the adapter.
macro_rules! all {
    ($adapter:ident) => {
        $adapter! {
            delivery:
                every_event_is_heard_once_and_in_order,
                a_rolled_back_change_is_not_heard_of,
                an_event_carries_the_attributes_of_cloudevents,
                what_an_event_causes_belongs_to_its_trace,
                topics_that_nobody_asked_for_are_not_delivered,
                a_topic_that_is_heard_no_more_is_not_delivered,
                events_of_two_topics_come_in_the_order_of_the_log,
                order_per_key_survives_eight_writers_that_roll_back,
                a_consumer_that_is_new_hears_the_events_from_before,
                events_share_a_transaction_unless_the_consumer_says_otherwise;
            failures:
                a_failed_event_comes_again_and_others_go_on,
                a_poison_event_blocks_only_its_key,
                waits_between_tries_double_from_200_ms_to_30_s,
                a_payload_that_does_not_read_is_a_dead_letter_at_once,
                one_failing_event_does_not_take_its_batch_with_it,
                an_event_that_fails_behind_later_ones_does_not_take_them_with_it,
                an_effect_that_failed_leaves_nothing_behind,
                a_panic_is_a_failure_of_its_event,
                a_destination_that_is_away_costs_no_tries,
                what_others_hold_parks_its_event_and_costs_no_tries;
            stretches:
                a_stretch_is_handled_by_one_call_in_its_order,
                a_failing_event_of_a_stretch_is_found_and_parked_alone,
                a_panic_in_a_stretch_is_a_failure_of_its_event,
                an_event_that_does_not_read_leaves_its_stretch_alone,
                a_stretch_whose_destination_is_away_waits_for_it,
                what_a_stretch_causes_belongs_to_the_trace_of_each_event,
                a_stretch_is_handled_within_what_is_put_around_each_event;
            effects:
                an_effect_is_recorded_with_its_position,
                a_crash_between_call_and_record_calls_again_with_the_same_id,
                a_record_that_fails_is_tried_again,
                a_failed_call_is_parked_and_others_go_on,
                a_panic_in_a_call_is_a_failure_of_its_event,
                a_bank_that_is_away_is_probed_with_one_event;
            instances:
                a_restart_between_any_two_steps_loses_and_repeats_nothing,
                of_two_instances_one_is_active,
                an_instance_that_stops_hands_over_at_once,
                an_instance_that_wakes_up_late_records_nothing;
            people:
                a_dead_letter_tells_what_happened,
                a_replayed_dead_letter_has_all_its_tries_again,
                dropping_a_dead_letter_lets_its_key_go_on,
                a_dead_letter_that_is_not_there_is_refused,
                who_names_no_consumer_is_told_who_there_is,
                a_replay_from_a_position_delivers_again,
                a_replay_from_a_time_delivers_again,
                a_replay_takes_parked_events_along,
                the_tail_shows_the_log_from_a_position,
                the_numbers_say_how_a_consumer_stands;
            threads:
                threads_hear_what_is_published,
                news_wake_the_consumers_of_their_topics_at_once,
                news_do_not_wake_the_consumers_of_other_topics,
                a_failed_event_is_tried_again_when_it_is_due,
                what_waits_behind_a_parked_event_follows_it_at_once,
                calls_of_different_keys_run_at_once,
                a_slow_call_holds_up_its_own_key_only,
                a_call_that_was_passed_by_and_lost_is_made_again,
                a_probe_is_one_call,
                stopping_finishes_the_event_in_hand;
        }
    };
}
pub(crate) use all;
