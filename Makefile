# All entry points of the project: `make help` lists them.
# `make demo` and `make test` do all the set-up on a fresh Debian, Ubuntu or Raspberry Pi OS with Rust installed.

PREFIX ?= /usr/local
# Folder of a site for `make run`, such as examples/linky-home.
SITE ?= examples/linky-home
# Rust puts its programs into ~/.cargo/bin, which a shell opened before the installation does not search. It comes
# first, since the distribution's own Rust may be there too, and be too old.
ifeq ($(findstring /.cargo/bin,$(PATH)),)
export PATH := $(HOME)/.cargo/bin:$(PATH)
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)
PROGRAM ?= $(TARGET)/release/ballast
GUARD ?= $(TARGET)/release/ballast-guard

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-aarch64 setup-bench build test test-aarch64 demo run bench bench-plant bench-backtest \
	bench-devices chaos soak fuzz mutants proofs deny fmt lint doc install uninstall clean

help: ## list the entry points
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 } END { \
	  print "  settings: PARTS=\"unit peers\" (test)  SITE=FOLDER (run)  PEERS=\"direct ballast\" ROUNDS=5 (bench)"; \
	  print "            PREFIX=/usr (install, uninstall)"; \
	  print "  scripts/setup.sh home-assistant: a Home Assistant for the tests (700 MB); without it they skip it and say so" \
	}' $(firstword $(MAKEFILE_LIST)) || [ $$? -ge 128 ] # a reader that leaves (head) is no failure

demo: setup ## a simulated village, in this terminal: no configuration, no equipment, no server
	cargo run --locked --package ballast -- demo

test: setup-test ## every check, with a summary; PARTS="unit peers" for some of them
	@scripts/test.sh $(PARTS)

run: setup ## run a site: make run SITE=examples/linky-home
	cargo run --locked --package ballast -- run $(SITE)

build: setup ## the programs as they are installed (target/release/ballast, ballast-guard)
	cargo build --locked --release --package ballast --package ballast-guardd

install: ## put what was built, man pages, completions and units of systemd under PREFIX (may need root)
	@test -x $(PROGRAM) -a -x $(GUARD) || { echo 'there is no $(PROGRAM): run `make build` first, as yourself' >&2; exit 1; }
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh install $(PROGRAM) $(GUARD)

uninstall: ## remove what `make install` put under PREFIX
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/install.sh uninstall

bench: setup-bench ## measure Ballast beside its peers; writes docs/performance.md
	@bench/run.sh $(PEERS)

bench-plant: setup ## how many times faster than life the village of forty homes runs
	@bench/plant.sh

bench-backtest: setup ## what a month of readings through two sets of rules costs: DAYS=30 SEED=1
	@DAYS=$(or $(DAYS),30) SEED=$(or $(SEED),1) bench/backtest.sh

bench-devices: setup-bench ## measure how fast devices are read; writes the section Devices of docs/performance.md
	@bench/devices.sh

chaos: setup-test ## kill, freeze and cut program and guard at random: make chaos FAULTS=200 SEED=1 [CLOCK=yes]
	BALLAST_CHAOS=$(or $(FAULTS),200) BALLAST_CHAOS_SEED=$(or $(SEED),1) BALLAST_CHAOS_CLOCK=$(CLOCK) \
		cargo test --locked --workspace --test process_chaos -- --nocapture

test-aarch64: setup-aarch64 ## does an ARM machine decide the same? a journal from here, replayed under qemu (first build: 10 min)
	@scripts/replay_aarch64.sh

soak: setup ## storms of a day over engine and guard, for hours: make soak SEEDS=1..2000 HOURS=24
	@scripts/soak.sh $(or $(SEEDS),1..2000) $(or $(HOURS),24)

fuzz: setup ## look for inputs that break a reader: make fuzz FUZZ=tic SECONDS=60 (targets: fuzz/targets)
	@scripts/fuzz.sh $(or $(FUZZ),tic) $(or $(SECONDS),60)

mutants: setup ## changes the guard in every way: does a test notice? a part: MUTANTS="--file rules/force.rs"
	@scripts/mutants.sh $(MUTANTS)

proofs: setup ## models and enumeration of the guard, deeper than the tests go (half an hour)
	BALLAST_PROOF_DEPTH=$(or $(DEPTH),9) BALLAST_PROOF_LENGTH=$(or $(LENGTH),6) cargo test --locked --package ballast-guard \
		--test model --test exhaustive -- --show-output

deny: setup ## licences, banned crates, sources and known vulnerabilities of what we build on (asks the network)
	@cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --locked check

fmt: ## format the Rust sources
	cargo fmt --all

lint: ## formatting and lints, as the tests check them
	@scripts/test.sh format lints

doc: ## the documentation of the code (target/doc)
	cargo doc --locked --workspace --no-deps

setup: ## what a build needs: checks Rust, installs a C compiler if there is none
	@scripts/setup.sh build

setup-test: ## and what the tests run against, unpacked into target/tools
	@scripts/setup.sh test

setup-aarch64: ## and what builds and runs programs for ARM: a cross compiler, an emulator, Rust's library for it
	@scripts/setup.sh aarch64

setup-bench: ## and what the measurements need
	@scripts/setup.sh bench

clean: ## remove everything that was built or unpacked
	rm -rf target bench/run bench/results
