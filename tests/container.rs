//! The container files against the program: they cannot be built where the tests run, but what they say can be read.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test is its own message")]

use ballast::cli::arguments::{Arguments, Command};
use clap::Parser;
use std::path::Path;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The value of an instruction of the last stage.
fn instruction(text: &str, name: &str) -> String {
    let found = text.lines().rev().find_map(|line| line.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name}")).trim().to_owned()
}

fn words(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_image_starts_a_command_that_the_program_understands_and_keeps_its_state_in_the_volume() {
    let text = read("Containerfile");
    let entry = words(&instruction(&text, "ENTRYPOINT"));
    let arguments = Arguments::try_parse_from([entry, words(&instruction(&text, "CMD"))].concat()).unwrap();
    let Command::Run(run) = arguments.command else { panic!("it does not run a site") };
    assert_eq!(run.site, Path::new("/site"));
    let volume = instruction(&text, "VOLUME");
    assert_eq!(run.state.unwrap(), Path::new(&volume));
    assert_ne!(instruction(&text, "USER"), "root");
    // What is built is what is copied, and nothing of the builder's own folder gets in.
    assert!(text.contains("cargo build --locked --release --package ballast"));
    assert!(text.contains("COPY --from=build /build/target/release/ballast /usr/local/bin/ballast"));
    for file in [".containerignore", ".dockerignore"] {
        let ignored = read(file);
        assert!(["target", ".git"].iter().all(|name| ignored.lines().any(|line| line == *name)), "{file}");
    }
    let compose = read("compose.yaml");
    for line in [format!(":{volume}\""), ":/site:ro\"".into(), "dockerfile: Containerfile".into()] {
        assert!(compose.contains(&line), "no {line} in compose.yaml");
    }
    for asked in compose.lines().filter_map(|line| line.strip_prefix("#   docker compose exec ballast ")) {
        assert!(Arguments::try_parse_from(asked.split(' ')).is_ok(), "{asked}");
    }
}
