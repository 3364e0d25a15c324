//! The process ends between any two steps and starts again on what is on disk.

use std::time::Duration;

use contracts::orders::{OrderState, PaymentMethod};
use kernel::Clock as _;
use testkit::TestDatabase;

use crate::world::{TOTAL, World};

testkit::both_databases!(
    a_restart_between_any_two_steps_changes_nothing,
    a_bank_restart_between_any_two_steps_changes_nothing
);

/// Longer than a consumer's lease, and short enough for all of it to happen before the bank's page closes.
const LEASE: Duration = Duration::from_secs(7);

/// One step of all consumers and timers; whether anything was done.
fn step(world: &mut World) -> bool {
    let now = world.clock.now();
    world.harness.platform().step(now).unwrap()
}

fn a_restart_between_any_two_steps_changes_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let mut seed = 100;
    let mut until_quiet = |mut world: World| {
        // What a process that died held by a lease is taken over when the lease has run out.
        for _ in 0..12 {
            seed += 1;
            world.clock.advance(LEASE);
            world = world.restart(database, seed);
            if !step(&mut world) {
                break;
            }
        }
        world
    };
    let id = world.place(PaymentMethod::Online);
    world = until_quiet(world);
    assert_eq!(world.payment(id)["state"], "pending");
    world.pay(id, "4242424242424242");
    for callback in world.callbacks("payment.captured") {
        world.call_back(&callback).expect(200);
        world = until_quiet(world);
    }
    assert_eq!(world.payment(id)["state"], "captured");
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    world.refund(&payment, "k", 20_000).expect(201);
    world = until_quiet(world);
    let due = crate::told::update(id, OrderState::Cancelled, 9, true, world.clock.now());
    world.harness.publish("orders", &due);
    world = until_quiet(world);
    world.harness.pass(Duration::from_secs(120));

    assert_eq!(world.payment(id)["state"], "refunded");
    assert_eq!(world.at_bank(id).len(), 1);
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], TOTAL);
    assert_eq!(world.told_states(id), ["created", "pending", "captured", "partially_refunded", "refunded"]);
    world.assert_clean();
}

fn a_bank_restart_between_any_two_steps_changes_nothing(database: &TestDatabase) {
    let mut world = World::open(database);
    let again = |world: &mut World| {
        world.stop_bank();
        world.start_bank();
        world.harness.pass(Duration::from_secs(40));
    };
    let id = world.place(PaymentMethod::Online);
    again(&mut world);
    world.pay(id, "4242424242424242");
    again(&mut world);
    assert_eq!(world.payment(id)["state"], "captured");
    let payment = world.payment(id)["id"].as_str().unwrap().to_owned();
    world.stop_bank();
    world.refund(&payment, "k", TOTAL).expect(201);
    world.harness.settle();
    assert_eq!(world.payment(id)["refund_pending"]["amount"], TOTAL);

    again(&mut world);
    world.harness.pass(Duration::from_secs(120));

    assert_eq!(world.payment(id)["state"], "refunded");
    assert_eq!(world.at_bank(id)[0]["refunded"]["amount"], TOTAL);
    world.assert_clean();
}
