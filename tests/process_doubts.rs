//! What a device tells and nobody may believe is named: where it comes, in the history, in the state of the device, in the
//! metrics, and once.
#![allow(clippy::unwrap_used, reason = "a failing test is its own message")]

mod common;

use common::bench::Bench;
use common::broker::Publisher;
use common::program::{Program, ballast};
use common::wait_for;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Lines of the run that hold this.
fn count(program: &Program, text: &str) -> usize {
    program.lines().iter().filter(|line| line.contains(text)).count()
}

/// What a French session is answered.
fn french(program: &Program, arguments: &[&str]) -> String {
    let mut command = ballast();
    let output =
        command.env("LANG", "fr_FR.UTF-8").args(arguments).arg("--site").arg(&program.site).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits for a line of the status.
fn wait_status(program: &Program, text: &str) {
    let shown = || program.tell(&["status"]);
    wait_for(&format!("{text} in {}", shown()), PATIENCE, || shown().contains(text).then_some(()));
}

#[test]
fn a_value_outside_of_its_range_or_faster_than_possible_is_named_at_its_begin_and_its_end() {
    let Some(bench) = Bench::new("values that cannot be", "") else { return };
    bench.site.edit("site.yaml", "valid: 0..20000 W }", "valid: 0..20000 W, max_slew: 500 W/s }");
    let program = bench.run();
    bench.tell("meter/power", "500");
    program.wait_point("meter.power", "500 W");
    for _ in 0..5 {
        bench.tell("meter/power", "99999");
    }
    wait_status(&program, "unknown: tells 99999 W, outside of 0 W to 20000 W");
    let held_back = program.json(&["status"])["held_back"]["meter.power"].clone();
    assert_eq!(held_back["value"], "99999 W", "{held_back}");
    assert!(french(&program, &["status"]).contains("donne 99999 W, hors de 0 W à 20000 W"));
    bench.tell("meter/power", "15000");
    wait_status(&program, "unknown: jumps from 500 W to 15000 W, faster than 500 W/s");
    program
        .wait_metric("ballast_samples_held_back_total{point=\"meter.power\",reason=\"out_of_range\"}", "5");
    program.wait_metric("ballast_samples_held_back_total{point=\"meter.power\",reason=\"jump\"}", "1");
    let began = "meter.power tells 99999 W, outside of 0 W to 20000 W: held back";
    assert_eq!(count(&program, began), 1, "{:#?}", program.lines());
    assert_eq!(count(&program, "meter.power jumps from 500 W to 15000 W"), 1);
    // It is over after a while without another one; what was believed before is no jump, however soon it comes.
    wait_for("the end", PATIENCE, || {
        bench.tell("meter/power", "500");
        (count(&program, "meter.power is believed again: 500 W (6 readings were held back)") == 1)
            .then_some(())
    });
    wait_for("the history", PATIENCE, || {
        let history = program.tell(&["history"]);
        (history.contains(began) && history.contains("is believed again")).then_some(())
    });
    let history = french(&program, &["history"]);
    assert!(history.contains("meter.power donne 99999 W, hors de 0 W à 20000 W : écarté"), "{history}");
    assert!(history.contains("meter.power est de nouveau cru : 500 W (6 mesures écartées)"), "{history}");
}

#[test]
fn a_payload_that_is_no_value_is_named_with_its_topic_once() {
    let Some(bench) = Bench::new("payloads that are no values", "") else { return };
    let program = bench.run();
    for payload in ["12,5", "12,6", "12,5"] {
        bench.tell("meter/power", payload);
    }
    bench.tell("meter/level", "<html><body>502 Bad Gateway\u{1b}[2J</body></html>");
    bench.tell("meter/period", "unavailable");
    wait_status(&program, "unknown: meter/power says `12,5`; a number with a decimal point is expected");
    wait_status(&program, "unknown: meter/period says `unavailable`; one of peak, off_peak is expected");
    let page =
        "bus broker: meter/level says `<html><body>502 Bad Gateway [2J</body></html>`; a number is expected";
    assert_eq!(count(&program, page), 1, "{:#?}", program.lines());
    assert_eq!(count(&program, "meter/power says"), 1);
    program.wait_metric("ballast_bus_bad_total{bus=\"broker\"}", "5");
    bench.tell("meter/power", "nan");
    program.wait_line("meter/power says `nan`; a number is expected", PATIENCE);
    wait_for("the history", PATIENCE, || {
        program.tell(&["history"]).contains("meter/power says `12,5`").then_some(())
    });
    let status = french(&program, &["status"]);
    assert!(
        status.contains("meter/period dit `unavailable` ; l'un de peak, off_peak est attendu"),
        "{status}"
    );
    bench.tell("meter/power", "700");
    program.wait_point("meter.power", "700 W");
}

/// What an output is can be misheard as well: its state is unknown then, and nobody but the log would say why.
#[test]
fn a_state_that_is_none_is_named_where_people_look() {
    let Some(bench) = Bench::new("a state that is none", "") else { return };
    bench.site.edit("site.yaml", "topic: relay/f }", "topic: relay/f, state: state/f }");
    let program = bench.run();
    bench.tell("state/f", "maybe");
    let said = "state/f says `maybe`; one of ON, OFF is expected";
    wait_status(&program, &format!("Its device is not understood: {said}."));
    let why = program.tell(&["why", "f"]);
    assert!(why.contains(&format!("Its device is not understood: {said}.")), "{why}");
    let dit = "Son appareil n'est pas compris : state/f dit `maybe` ; l'un de ON, OFF est attendu.";
    for question in [&["status"][..], &["why", "f"]] {
        let answer = french(&program, question);
        assert!(answer.contains(dit), "{answer}");
    }
    let data = program.json(&["status"]);
    assert_eq!(data["misheard"], serde_json::json!({ "f": said }), "{data}");
    assert_eq!(data["outputs"]["f"]["misheard"], said, "{data}");
    assert_eq!(program.json(&["why", "f"])["misheard"], said);
    // It ends with the first word that is a state.
    bench.tell("state/f", "OFF");
    wait_for("the state", PATIENCE, || program.json(&["why", "f"])["misheard"].is_null().then_some(()));
    assert!(!program.tell(&["status"]).contains("not understood"));
}

/// A server whose page is what was given last; it says `Content-Length` and closes.
fn page_server(page: Arc<Mutex<&'static str>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let body = *page.lock().unwrap();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

/// What is said of a page or of a unit once, each of its points says to whoever asks; and no longer than it is so.
#[test]
fn a_page_that_is_no_data_is_named_at_its_points_as_long_as_it_is_one() {
    let Some(bench) = Bench::new("pages that are no data", "") else { return };
    let page = Arc::new(Mutex::new("<html>log in</html>"));
    let port = page_server(Arc::clone(&page));
    bench.site.edit(
        "site.yaml",
        "devices:\n",
        &format!(
            "  web: {{ driver: http, url: \"http://127.0.0.1:{port}\" }}\ndevices:\n  web:\n    file: http-points\n    bus: web\n    points: {{ power: {{ path: /p, pointer: /power, unit: W, period: 200 ms, max_age: 1 min }} }}\n"
        ),
    );
    let program = bench.run();
    let said = format!("127.0.0.1:{port}/p answered a page, not data");
    wait_status(&program, &format!("unknown: {said}"));
    assert!(french(&program, &["status"]).contains(&format!("127.0.0.1:{port}/p a répondu une page")));
    assert!(program.json(&["status"])["misheard"]["web.power"].as_str().unwrap().starts_with(&said));
    assert_eq!(count(&program, &said), 1, "{:#?}", program.lines());
    *page.lock().unwrap() = "{\"power\": null}";
    wait_status(&program, "unknown: not a value");
    *page.lock().unwrap() = "{\"power\": 7}";
    program.wait_point("web.power", "7 W");
}

/// A device that floods does not fill the screen and the history.
#[test]
fn readings_that_come_too_fast_are_told_once() {
    let Some(bench) = Bench::new("readings too fast", "") else { return };
    let program = bench.run();
    let mut flood = Publisher::connect(bench.broker.port);
    let dropped =
        || program.metric("ballast_samples_coalesced_total").and_then(|text| text.parse::<f64>().ok());
    wait_for("ten times too much", PATIENCE, || {
        (0..50_000).for_each(|number| flood.publish("meter/power", &(number % 1000).to_string()));
        dropped().filter(|dropped| *dropped >= 1280.0)
    });
    let said = "samples of meter.power came too fast";
    program.wait_line(said, PATIENCE);
    assert_eq!(count(&program, said), 1, "{:#?}", program.lines());
    wait_for("the history", PATIENCE, || {
        let history = program.tell(&["history"]);
        (history.matches(said).count() == 1).then_some(())
    });
}
