//! The text is what Prometheus reads, and what cannot be read never gets into it.

use super::super::units::metric_unit;
use super::*;
use ballast_model::quantity::UNITS;
use proptest::prelude::*;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const BOUNDS: &[f64] = &[0.001, 0.01, 1.0];

#[test]
fn writes_families_as_prometheus_reads_them() {
    let mut all = Exposition::new();
    all.family("ballast_point_watts", "Active power.", Kind::Gauge)
        .sample(&[("point", "battery.power"), ("label", "a \"b\"\\c\nd")], -1500.5)
        .sample(&[("point", "home.power")], 0.0);
    all.family("ballast_steps_total", "Steps\nof the \\ engine.", Kind::Counter).sample(&[], 12.0);
    let _ = all.family("ballast_absent_volts", "Nothing is known.", Kind::Gauge);
    let mut seconds = Histogram::new(BOUNDS);
    for value in [0.001, 0.0011, 5.0, f64::NAN, f64::INFINITY] {
        seconds.observe(value);
    }
    all.family("ballast_step_seconds", "Time.", Kind::Histogram).histogram(&[("thread", "engine")], &seconds);
    let expected = r#"# HELP ballast_point_watts Active power.
# TYPE ballast_point_watts gauge
ballast_point_watts{point="battery.power",label="a \"b\"\\c\nd"} -1500.5
ballast_point_watts{point="home.power"} 0
# HELP ballast_steps_total Steps\nof the \\ engine.
# TYPE ballast_steps_total counter
ballast_steps_total 12
# HELP ballast_step_seconds Time.
# TYPE ballast_step_seconds histogram
ballast_step_seconds_bucket{thread="engine",le="0.001"} 1
ballast_step_seconds_bucket{thread="engine",le="0.01"} 2
ballast_step_seconds_bucket{thread="engine",le="1"} 2
ballast_step_seconds_bucket{thread="engine",le="+Inf"} 3
ballast_step_seconds_sum{thread="engine"} 5.0021
ballast_step_seconds_count{thread="engine"} 3
# HELP ballast_metrics_left_out Samples that this answer lacks: a family has at most 20000.
# TYPE ballast_metrics_left_out gauge
ballast_metrics_left_out 0
"#;
    assert_eq!(all.finish(), expected);
}

#[test]
fn numbers_are_short_and_exact() {
    for (value, text) in [
        (0.0, "0"),
        (-0.25, "-0.25"),
        (1e15, "1e15"),
        (1e300, "1e300"),
        (2.5e-9, "2.5e-9"),
        (0.1 + 0.2, "0.30000000000000004"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(Number(value).to_string(), text);
    }
}

#[test]
fn leaves_out_what_is_over_the_cap_and_says_so() {
    let mut all = Exposition::new();
    let mut family = all.family("ballast_many", "Too many.", Kind::Gauge);
    for number in 0..LABEL_SETS_MAX + 7 {
        family.sample(&[("number", &number.to_string())], 1.0);
    }
    let text = all.finish();
    assert_eq!(text.matches("\nballast_many{").count(), LABEL_SETS_MAX);
    assert!(text.ends_with("\nballast_metrics_left_out 7\n"), "{}", &text[text.len() - 100..]);
}

/// Runs `write`, which must fail in a debug build and leave out `left_out` samples in another.
fn refuses(what: &str, left_out: u64, write: impl Fn(&mut Exposition)) {
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut all = Exposition::new();
        write(&mut all);
        all.left_out
    }));
    let expected = if cfg!(debug_assertions) { None } else { Some(left_out) };
    assert_eq!(outcome.ok(), expected, "{what}");
}

#[test]
fn refuses_what_would_spoil_the_answer() {
    for (name, kind) in [
        ("", Kind::Gauge),
        ("1st", Kind::Gauge),
        ("ballast-power", Kind::Gauge),
        ("ballast_pöwer", Kind::Gauge),
        ("ballast_Power", Kind::Gauge),
        ("ballast:power", Kind::Gauge),
        ("ballast_steps", Kind::Counter),
        ("ballast_steps_total", Kind::Gauge),
        ("ballast_steps_count", Kind::Gauge),
    ] {
        refuses(name, 1, move |all| {
            all.family(name, "Help.", kind).sample(&[], 1.0);
        });
    }
    refuses("twice", 1, |all| {
        all.family("ballast_a", "Help.", Kind::Gauge).sample(&[], 1.0);
        all.family("ballast_a", "Help.", Kind::Gauge).sample(&[], 1.0);
    });
    for label in ["", "a-b", "__name__", "0"] {
        refuses(label, 1, move |all| {
            all.family("ballast_a", "Help.", Kind::Gauge).sample(&[(label, "x")], 1.0);
        });
    }
    refuses("le", 1, |all| {
        let family = &mut all.family("ballast_a_seconds", "Help.", Kind::Histogram);
        family.histogram(&[("le", "x")], &Histogram::new(BOUNDS));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn no_label_text_breaks_out_of_its_line(texts in prop::collection::vec(any::<String>(), 1..5), value: f64) {
        let mut all = Exposition::new();
        let mut family = all.family("ballast_a", "Help.", Kind::Gauge);
        for (number, text) in texts.iter().enumerate() {
            family.sample(&[("number", &number.to_string()), ("text", text)], value);
        }
        let text = all.finish();
        prop_assert_eq!(text.split('\n').filter(|line| line.starts_with("ballast_a{")).count(), texts.len());
        prop_assert_eq!(text.split('\n').count(), 2 + texts.len() + 3 + 1);
    }

    #[test]
    fn every_value_falls_into_one_bucket(values in prop::collection::vec(-1.0f64..3.0, 0..50)) {
        let mut histogram = Histogram::new(BOUNDS);
        values.iter().for_each(|value| histogram.observe(*value));
        prop_assert_eq!(histogram.count(), values.len() as u64);
        for (index, bound) in BOUNDS.iter().enumerate() {
            let below: u64 = histogram.counts[..=index].iter().sum();
            prop_assert_eq!(below, values.iter().filter(|value| *value <= bound).count() as u64);
        }
    }
}

/// The checker of the Prometheus project, where the set-up of the tests put it or on the path.
fn promtool() -> Option<PathBuf> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/promtool");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).map(|folder| folder.join("promtool"));
    std::iter::once(own).chain(others).find(|file| file.is_file())
}

#[test]
fn promtool_has_nothing_to_say() {
    let Some(promtool) = promtool() else {
        println!("skipped: check of the metrics: promtool is absent (scripts/setup.sh test installs it)");
        return;
    };
    let mut all = Exposition::new();
    let mut suffixes: Vec<&str> = UNITS.iter().map(|row| metric_unit(row.dimension).suffix).collect();
    suffixes.sort_unstable();
    suffixes.dedup();
    for suffix in suffixes {
        let name = format!("ballast_point{suffix}");
        let labels = [("point", "a.b"), ("label", "Pompe \"Sud\" \\ 東\n2")];
        all.family(&name, "The value of a point.", Kind::Gauge).sample(&labels, 1e-7).sample(&[], 1e20);
    }
    let mut seconds = Histogram::new(BOUNDS);
    seconds.observe(0.5);
    all.family("ballast_step_seconds", "How long.", Kind::Histogram).histogram(&[], &seconds);
    all.family("ballast_steps_total", "How many.", Kind::Counter).sample(&[], 3.0);

    let mut check = Command::new(promtool);
    let check =
        check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(all.finish().as_bytes()).unwrap();
    let outcome = check.wait_with_output().unwrap();
    let said = [outcome.stdout, outcome.stderr].concat();
    assert!(outcome.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
