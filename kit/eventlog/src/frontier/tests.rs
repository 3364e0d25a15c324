use super::*;

fn sight(xmin: i64, unbroken_to: i64, highest: i64) -> Sight {
    Sight { xmin, unbroken_to, highest, is_cut: false, topics: Vec::new() }
}

#[test]
fn an_unbroken_run_is_read_at_once() {
    let mut frontier = Frontier::default();

    assert_eq!(frontier.see(&sight(10, 5, 5)), Next::Rest { gap: false });
    assert_eq!(frontier.end(), 5);
}

#[test]
fn what_follows_a_cut_run_is_looked_at() {
    let mut frontier = Frontier::default();

    assert_eq!(frontier.see(&Sight { is_cut: true, ..sight(10, 1000, 1000) }), Next::Look);
    assert_eq!(frontier.see(&sight(10, 1000, 1000)), Next::Rest { gap: false });
}

#[test]
fn a_gap_stops_the_reader_until_the_mark_is_reached() {
    let mut frontier = Frontier::default();

    assert_eq!(frontier.see(&sight(10, 2, 4)), Next::TakeMark { upto: 4 });
    frontier.mark(4, 12);
    assert_eq!(frontier.see(&sight(11, 2, 4)), Next::Rest { gap: true });
    assert_eq!(frontier.end(), 2);

    assert_eq!(frontier.see(&sight(12, 2, 4)), Next::Look);
    assert_eq!(frontier.end(), 4);
}

#[test]
fn a_gap_is_met_once_at_a_place() {
    let mut frontier = Frontier::default();
    frontier.see(&sight(10, 2, 4));
    assert!(frontier.meets_gap());
    assert!(!frontier.meets_gap());

    frontier.see(&sight(10, 4, 6));

    assert!(frontier.meets_gap());
}

#[test]
fn a_gap_beyond_the_mark_needs_a_mark_of_its_own() {
    let mut frontier = Frontier::default();
    assert_eq!(frontier.see(&sight(10, 0, 4)), Next::TakeMark { upto: 4 });
    frontier.mark(4, 12);

    assert_eq!(frontier.see(&sight(12, 0, 9)), Next::Look);

    assert_eq!(frontier.end(), 4);
    assert_eq!(frontier.see(&sight(12, 4, 9)), Next::TakeMark { upto: 9 });
}

#[test]
fn a_gap_that_fills_up_needs_no_mark() {
    let mut frontier = Frontier::default();
    frontier.see(&sight(10, 0, 4));
    frontier.mark(4, 12);

    assert_eq!(frontier.see(&sight(11, 6, 6)), Next::Rest { gap: false });

    assert_eq!(frontier.end(), 6);
    assert_eq!(frontier.see(&sight(11, 6, 8)), Next::TakeMark { upto: 8 });
}
