//! A policy, those it is compared with, and the scenarios of a site.

use super::file::{self, Scenario};
use super::mistaken::Beside;
use super::optimum::{self, Optimum, Wrong};
use super::safety::Terms;
use crate::report::language::Language;
use crate::simulation::lockstep::{VILLAGE, village_texts};
use crate::simulation::plant::names_missing;
use crate::site::{Drawing, Refused, Texts, build};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render;
use ballast_config::sources::Sources;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Result as IoResult};
use std::path::{Path, PathBuf};

/// The folder of a site in which its scenarios lie.
pub const FOLDER: &str = "scenarios";
/// The folder in there with the safety file and the rules of the fixed thresholds.
pub const FIXED: &str = "fixed-thresholds";
/// The table in there of what perfect foresight comes to.
pub const OPTIMUM: &str = "optimum.csv";
/// Scenarios of a site at most.
pub const SCENARIOS_MAX: usize = 100;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Nobody: the outputs are cut, and only the plant's own protections act.
    Nobody,
    /// The same site with stages at fixed frequencies and rules at fixed thresholds.
    Fixed,
    /// The site's own rules and safety file.
    Policy,
}

impl Who {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nobody, Self::Fixed, Self::Policy];

    /// The word for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "no_control",
            Self::Fixed => "fixed_thresholds",
            Self::Policy => "policy",
        }
    }

    /// The name for people.
    pub fn name(self, language: Language) -> &'static str {
        match self {
            Self::Nobody => language.say("no control", "sans commande"),
            Self::Fixed => language.say("fixed thresholds", "seuils fixes"),
            Self::Policy => language.say("policy", "politique"),
        }
    }
}

/// What runs.
#[derive(Clone)]
pub struct Suite {
    /// The site with its own rules and safety file.
    pub policy: Texts,
    /// The site with those of the fixed thresholds.
    pub fixed: Texts,
    /// The least times of the contacts, as the site's own safety file has them.
    pub terms: Terms,
    /// By number.
    pub scenarios: Vec<Scenario>,
    /// What perfect foresight comes to.
    pub optimum: Optimum,
}

/// Why there is no suite.
pub enum NoSuite {
    /// A file or folder cannot be read.
    Unreadable(PathBuf, std::io::Error),
    /// The site, or the site with the fixed thresholds, has mistakes.
    Site(Box<Refused>),
    /// Scenarios have mistakes: drawn, and as rows for programs.
    Scenarios(Box<Drawing>, serde_json::Value),
    /// Rules that scenarios bring cannot be read: the name of their file, and what is wrong.
    Rules(Vec<(String, Refused)>),
    /// There is no scenario in the folder.
    None,
    /// Two scenarios have the same number.
    Twice(u32),
    /// The folder of the fixed thresholds has no safety file.
    NoFixed,
    /// The table of the optimum has a mistake.
    Optimum(Wrong),
    /// The village of this scenario lacks what the site names.
    Missing(String, Vec<String>),
}

impl Suite {
    /// The village that travels inside the program.
    ///
    /// # Errors
    /// It has mistakes: a defect of this program.
    pub fn embedded() -> Result<Self, NoSuite> {
        let mut files = BTreeMap::new();
        let mut folders = vec![VILLAGE.get_dir(FOLDER).ok_or(NoSuite::None)?];
        while let Some(folder) = folders.pop() {
            folders.extend(folder.dirs());
            for file in folder.files() {
                let name = file.path().strip_prefix(FOLDER).ok().and_then(Path::to_str);
                files.extend(name.map(|name| (name.to_owned(), file.contents().to_vec())));
            }
        }
        Self::of(village_texts(), &files, "")
    }

    /// The scenarios of a site.
    ///
    /// # Errors
    /// What cannot be read, or has mistakes.
    pub fn read(site: &Path) -> Result<Self, NoSuite> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| NoSuite::Unreadable(path, error)
        };
        let texts = Texts::read(site).map_err(unreadable(site))?;
        let folder = site.join(FOLDER);
        let mut files = BTreeMap::new();
        let rules = format!("{FIXED}/rules/");
        for (inner, named) in [("", ""), (FIXED, "fixed-thresholds/"), (rules.as_str(), rules.as_str())] {
            let place = folder.join(inner);
            let entries = match std::fs::read_dir(&place) {
                Err(error) if !inner.is_empty() && error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other.map_err(unreadable(&place))?,
            };
            for entry in entries {
                let path = entry.map_err(unreadable(&place))?.path();
                let known = path.extension().and_then(|ending| ending.to_str());
                let known = known.is_some_and(|ending| ["yaml", "rhai", "csv"].contains(&ending));
                let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|_| known) else {
                    continue;
                };
                let bytes = bounded(&path).map_err(unreadable(&path))?;
                files.insert(format!("{named}{name}"), bytes);
            }
        }
        Self::of(texts, &files, &format!("{FOLDER}/"))
    }

    /// A site and the files of its folder of scenarios by their name in it.
    fn of(policy: Texts, files: &BTreeMap<String, Vec<u8>>, shown: &str) -> Result<Self, NoSuite> {
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        let fixed = fixed(&policy, files);
        let beside = Beside { files, policies: [&policy, fixed.as_ref().unwrap_or(&policy)] };
        let is_scenario = |name: &&String| name.ends_with(".yaml") && !name.contains('/');
        let mut scenarios: Vec<Scenario> = (files.keys().filter(is_scenario).take(SCENARIOS_MAX))
            .filter_map(|name| {
                let bytes = files.get(name)?;
                file::read(&format!("{shown}{name}"), bytes, beside, &mut sources, &mut found)
            })
            .collect();
        if found.has_mistakes() {
            let data = serde_json::json!({ "diagnostics": render::flatten(&found, &sources) });
            return Err(NoSuite::Scenarios(Box::new(Drawing::of(found, sources)), data));
        }
        scenarios.sort_by_key(|scenario| scenario.number);
        if scenarios.is_empty() {
            return Err(NoSuite::None);
        }
        let numbers = scenarios.iter().map(|scenario| scenario.number);
        if let Some((twice, _)) = numbers.clone().zip(numbers.skip(1)).find(|(one, next)| one == next) {
            return Err(NoSuite::Twice(twice));
        }
        let optimum = match files.get(OPTIMUM) {
            Some(bytes) => Optimum::read(&String::from_utf8_lossy(bytes)).map_err(NoSuite::Optimum)?,
            None => Optimum::default(),
        };
        let fixed = fixed.ok_or(NoSuite::NoFixed)?;
        let refused = |refused| NoSuite::Site(Box::new(refused));
        let built = build(&policy, &[]).map_err(refused)?;
        build(&fixed, &[]).map_err(refused)?;
        let wrong: Vec<(String, Refused)> =
            scenarios.iter().filter_map(|scenario| unreadable_rules(scenario, [&policy, &fixed])).collect();
        if !wrong.is_empty() {
            return Err(NoSuite::Rules(wrong));
        }
        for scenario in &scenarios {
            let missing = names_missing(&scenario.plant.spec, &policy);
            if !missing.is_empty() {
                return Err(NoSuite::Missing(scenario.name.clone(), missing));
            }
        }
        Ok(Self { terms: Terms::of(&built.running), policy, fixed, scenarios, optimum })
    }

    /// The texts that somebody acts by in a scenario. Where nobody acts, nobody makes mistakes.
    pub fn texts(&self, scenario: &Scenario, who: Who) -> Texts {
        let mut texts = if who == Who::Fixed { &self.fixed } else { &self.policy }.clone();
        if let Some(mistaken) = scenario.mistaken.as_ref().filter(|_| who != Who::Nobody) {
            mistaken.join(&mut texts);
        }
        texts
    }
}

/// Rules of a scenario that are no rules, beside either of those who act: they shall go wrong while they run.
fn unreadable_rules(scenario: &Scenario, policies: [&Texts; 2]) -> Option<(String, Refused)> {
    let mistaken = scenario.mistaken.as_ref()?;
    let refused = policies.into_iter().find_map(|texts| {
        let mut texts = texts.clone();
        mistaken.join(&mut texts);
        build(&texts, &[]).err()
    });
    refused.map(|refused| (mistaken.name.clone(), refused))
}

/// The site with the safety file and the rules of the fixed thresholds instead of its own.
fn fixed(policy: &Texts, files: &BTreeMap<String, Vec<u8>>) -> Option<Texts> {
    let mut texts = policy.clone();
    texts.files.retain(|name, _| !name.starts_with("rules/") && name != "safety.yaml");
    for (name, bytes) in files {
        if let Some(name) = name.strip_prefix(FIXED).and_then(|name| name.strip_prefix('/')) {
            texts.files.insert(name.to_owned(), bytes.as_slice().into());
        }
    }
    texts.files.contains_key("safety.yaml").then_some(texts)
}

/// A file of a scenario that is not too long.
fn bounded(path: &Path) -> IoResult<Vec<u8>> {
    let most = file::BYTES_MAX.max(optimum::BYTES_MAX);
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("it is longer than {most} bytes");
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}
