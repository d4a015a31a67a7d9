//! The sources of the frequency: what is told of them, which ones are believed, and what they say together.

mod kit;
use ballast_guard::GuardEvent::{self, *};
use ballast_guard::bounds::SOURCE_RESOLUTION;
use ballast_guard::plan::{Bulk, Stage};
use ballast_model::PointId;
use kit::*;

/// A site with this many meters of the frequency and one load.
fn metered(count: usize) -> (Site, Vec<PointId>) {
    let mut site = Site::new();
    let meter = |index| format!("meter{index}.frequency");
    let meters: Vec<PointId> =
        (0..count).map(|index| site.point(&meter(index), "Hz", Some(secs(2)))).collect();
    let home = site.contact("home");
    site.shedding(&meters, &[(home, "homes", 1000.0)]);
    (site, meters)
}

/// Readings of all meters in one step.
fn read(bench: &mut Bench, meters: &[PointId], hertz: &[f64]) {
    let readings: Vec<_> =
        meters.iter().zip(hertz).map(|(meter, hertz)| bench.sample(*meter, *hertz)).collect();
    bench.step(&readings);
    bench.settle();
}

fn told(bench: &mut Bench) -> Vec<GuardEvent> {
    std::mem::take(&mut bench.events)
}

#[test]
fn that_the_frequency_is_lost_is_told_once_and_so_is_that_it_is_known_again() {
    let (site, meters) = metered(2);
    let mut bench = site.bench();
    bench.step(&[]);
    assert_eq!(told(&mut bench), [FrequencyUnknown]);
    bench.set(meters[0], 50.0);
    assert_eq!(told(&mut bench), [FrequencyBack { frequency: num(50.0) }], "one of two is enough");
    bench.set(meters[1], 50.0);
    bench.lose(meters[0]);
    bench.set(meters[1], 50.01);
    assert_eq!(told(&mut bench), [], "the other one is left");
    bench.lose(meters[1]);
    bench.pass(secs(60));
    assert_eq!(told(&mut bench), [FrequencyUnknown]);
    read(&mut bench, &meters, &[49.9, 49.9]);
    assert_eq!(told(&mut bench), [FrequencyBack { frequency: num(49.9) }]);
    bench.pass(secs(60));
    assert_eq!(told(&mut bench), [FrequencyUnknown], "what nobody measures any more");
}

/// Whoever read that it is unknown reads that it is not any more, also where the meters take a moment to agree.
#[test]
fn meters_that_come_back_apart_end_the_alarm_once_they_agree() {
    let (site, meters) = metered(2);
    let mut bench = site.bench();
    bench.step(&[]);
    assert_eq!(told(&mut bench), [FrequencyUnknown]);
    read(&mut bench, &meters, &[50.0, 50.5]);
    assert_eq!(told(&mut bench), [], "50 Hz or 50.5 Hz");
    bench.pass(secs(1));
    read(&mut bench, &meters, &[50.0, 50.0]);
    assert_eq!(told(&mut bench), [FrequencyBack { frequency: num(50.0) }]);
}

#[test]
fn a_site_that_measures_no_frequency_hears_nothing_of_one() {
    let (site, _) = metered(0);
    let mut bench = site.bench();
    bench.hello();
    bench.pass(secs(60));
    let told = told(&mut bench);
    assert!(!told.iter().any(|event| matches!(event, FrequencyUnknown | SourcesDisagree)), "{told:?}");
}

#[test]
fn a_source_is_stuck_only_while_another_one_moves_and_that_is_told_once() {
    let (site, meters) = metered(2);
    let mut bench = site.bench();
    let run = |bench: &mut Bench, moves: f64| {
        for step in 0..200 {
            read(bench, &meters, &[50.0 + f64::from(step % 2) * moves, 50.0]);
            bench.pass(ms(50));
        }
    };
    run(&mut bench, 0.0);
    run(&mut bench, SOURCE_RESOLUTION);
    let is_stuck = |event: &GuardEvent| matches!(event, SourceStuck { .. });
    assert_eq!(bench.count(is_stuck), 0, "an hour at 50 Hz is a good hour, and one step is nobody's move");
    run(&mut bench, 3.0 * SOURCE_RESOLUTION);
    assert_eq!(bench.count(is_stuck), 1);
    assert!(bench.has(|event| *event == SourceStuck { point: meters[1] }));
    // It moves: what comes after that is told again.
    bench.set(meters[1], 50.1);
    bench.set(meters[1], 50.0);
    run(&mut bench, 3.0 * SOURCE_RESOLUTION);
    assert_eq!(bench.count(is_stuck), 2);
}

#[test]
fn what_is_told_of_several_sources_is_the_middle_one_and_of_two_the_lower() {
    for (hertz, middle) in [
        (&[49.2][..], 49.2),
        (&[49.3, 49.2], 49.2),
        (&[49.3, 49.1, 49.2], 49.2),
        (&[49.4, 49.1, 49.3, 49.2], 49.2),
        (&[49.4, 49.0, 49.3, 49.1, 49.2], 49.2),
    ] {
        let (mut site, meters) = metered(hertz.len());
        let stage = Stage { below: num(49.5), hold: ms(0), share: num(10.0), from: vec!["homes".into()] };
        site.set.shedding.as_mut().unwrap().stages = vec![stage];
        let mut bench = site.bench();
        read(&mut bench, &meters, hertz);
        let acted = told(&mut bench).into_iter().find_map(|event| match event {
            StageActed { frequency, .. } => frequency,
            _ => None,
        });
        assert_eq!(acted, Some(num(middle)), "{hertz:?}");
    }
}

/// Of three in a row, the middle one agrees with either of the others: what is agreed on is not what lets loads come back.
#[test]
fn where_two_halves_of_the_sources_could_be_right_the_lower_one_is() {
    let (mut site, meters) = metered(3);
    site.set.shedding.as_mut().unwrap().source_tolerance = num(0.125);
    for hertz in [[49.75, 49.875, 50.0], [50.0, 49.875, 49.75], [49.875, 50.0, 49.75]] {
        let mut bench = site.bench();
        read(&mut bench, &meters, &hertz);
        assert_eq!(bench.guard.shedding().frequency, Some(num(49.8125)), "{hertz:?}");
    }
}

#[test]
fn a_fast_fall_is_seen_however_often_the_meter_reports() {
    for millis in [1, 2, 5, 8, 9, 10, 20, 50, 100, 120] {
        for (slope, acts) in [(2.9, false), (3.1, true)] {
            let (mut site, meters) = metered(1);
            let from = vec!["homes".into()];
            let bulk = Bulk { below: num(49.7), falling: num(3.0), share: num(40.0), from };
            site.set.shedding.as_mut().unwrap().bulk = Some(bulk);
            let mut bench = site.bench();
            let mut read_for = |span: u64, slope: f64| {
                for at in (0..span).step_by(millis as usize) {
                    bench.set(meters[0], 50.0 - slope * at as f64 / 1000.0);
                    bench.pass(ms(millis));
                }
            };
            read_for(2_000, 0.0);
            read_for(500, slope);
            let acted = bench.has(|event| matches!(event, BulkActed { .. }));
            assert_eq!(acted, acts, "{slope} Hz/s, a reading every {millis} ms");
        }
    }
}
