//! `ballast device read`: the points of a real device, once. It is told nothing.

use super::{accepted, by_name, drawn, failed, pairs, points, symbol, table, unreadable};
use crate::cli::Exit;
use crate::cli::arguments::{DeviceRead, Format};
use crate::cli::terminal::{FAINT, Output, styled, width_of_errors};
use crate::cli::times;
use crate::device_file::{Alone, Draft, Given};
use crate::report::bus_words;
use crate::report::causes::{self, problem};
use crate::report::language::{Language, say};
use crate::report::numbers::twelve_digits;
use ballast_drivers::transcript::{self, Recorder};
use ballast_drivers::{Batch, OpenBus, Report, Sink, spawn};
use ballast_host::Clock;
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::{PointId, Reason, Sample, Span, Value};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether everything has been read.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest time for which is read.
const LASTING_MAX: Span = Span::from_secs(3600);

/// What came in: the last sample of each point, and what was said of the bus last.
#[derive(Default)]
struct Ear {
    samples: Mutex<BTreeMap<PointId, Sample>>,
    said: Mutex<Vec<String>>,
}

impl Sink for Ear {
    fn deliver(&self, batch: &mut Batch) -> bool {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        for sample in batch.samples.drain(..) {
            // What came stays what came where a recording ends or a device goes away.
            let is_gone = sample.quality.reason() == Some(Reason::Offline);
            let has_value = |known: &Sample| known.value.is_some();
            if !(is_gone && samples.get(&sample.point).is_some_and(has_value)) {
                samples.insert(sample.point, sample);
            }
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for report in batch.reports.drain(..) {
            if let Report::Link { text, .. } | Report::Misheard { text, .. } = report
                && said.last().is_none_or(|last| **last != *text)
            {
                said.push(text.into());
            }
        }
        true
    }
}

/// Reads it.
pub(super) fn read(options: &DeviceRead, output: &Output) -> Result<Exit, Exit> {
    let language = output.language_of_answers();
    let lasting = times::span("--for", &options.lasting, Span::from_millis(1), LASTING_MAX, language)
        .map_err(|wrong| failed(&wrong, output))?;
    let mut draft = Draft::read(&options.file).map_err(|error| unreadable(&options.file, &error, output))?;
    draft.with.extend(by_name(pairs(&options.with, "--with", output)?));
    draft.bus = pairs(&options.bus, "--bus", output)?;
    if let Some(Given { value, .. }) = draft.bus.iter().find(|given| given.key == "driver") {
        let wrong = say!(
            language,
            "`--bus driver={value}`: the device file says which driver it is for; leave it out",
            "`--bus driver={value}` : le fichier d'appareil dit pour quel pilote il est ; retirez-le"
        );
        return Err(failed(&wrong, output));
    }
    let alone = accepted(&draft, output)?;
    if !alone.found.is_empty() && output.format == Format::Text {
        output.complain(drawn(&alone.found, &alone.sources, width_of_errors()).trim_end());
    }
    let Some(bus) = alone.bus() else { return Err(Exit::Mistakes) };
    let (bus, recorder) = transcript::recorded(bus);
    if let Some(path) = &options.record {
        may_record(path, recorder.is_some(), &alone, language).map_err(|wrong| failed(&wrong, output))?;
    }
    let ear = Arc::new(Ear::default());
    let wanted: Vec<PointId> = points(&alone).iter().map(|(id, _)| *id).collect();
    let lasting = Duration::from_millis(lasting.millis());
    listen(bus, &ear, &wanted, lasting).map_err(|error| failed(&error.to_string(), output))?;
    let come = Come::new(&alone, &ear, output.language_of_answers());
    if output.format == Format::Text {
        come.show(output);
    }
    let recorded = match (&options.record, recorder) {
        (Some(path), Some(recorder)) => come.record(path, draft, &recorder, output)?,
        _ => Ok(()),
    };
    match output.format {
        Format::Json => output.line(&come.data(&alone, options.record.as_deref(), &recorded).to_string()),
        Format::Text => {
            if let Err(wrong) = &recorded {
                return Err(failed(wrong, output));
            }
        }
    }
    Ok(if come.is_whole() && recorded.is_ok() { Exit::Done } else { Exit::Failed })
}

/// Whether what is said can be written into this file.
fn may_record(path: &Path, can_record: bool, alone: &Alone, language: Language) -> Result<(), String> {
    let (driver, shown) = (alone.driver, path.display());
    if !can_record {
        return Err(say!(
            language,
            "only what is said over Modbus is recorded; {shown} was not written: for the driver `{driver}` write the transcript by hand",
            "seul ce qui se dit en Modbus est enregistré ; {shown} n'a pas été écrit : pour le pilote `{driver}`, écrivez la transcription à la main"
        ));
    }
    if path.exists() {
        return Err(say!(
            language,
            "{shown} is there already: give another name, or remove it",
            "{shown} existe déjà : donnez un autre nom, ou supprimez-le"
        ));
    }
    Ok(())
}

/// Runs the bus until every point was read well, or the time is over.
fn listen(bus: OpenBus, ear: &Arc<Ear>, wanted: &[PointId], lasting: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock = Arc::new(Clock::of_machine());
    let sink: Arc<dyn Sink> = Arc::clone(ear) as Arc<dyn Sink>;
    let handle = spawn(bus, runtime.handle(), clock, sink);
    let end = Instant::now() + lasting;
    let is_whole = || {
        let samples = ear.samples.lock().unwrap_or_else(PoisonError::into_inner);
        !wanted.is_empty()
            && wanted.iter().all(|point| samples.get(point).is_some_and(|it| it.value.is_some()))
    };
    runtime.block_on(async {
        while Instant::now() < end && !is_whole() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    drop(handle);
    Ok(())
}

/// What came of one point.
struct Row {
    name: String,
    /// What the device said, as people read it; also where that cannot be.
    said: Option<String>,
    /// As programs read it: a number in the unit beside it, a word, or yes and no.
    value: Option<serde_json::Value>,
    unit: Option<String>,
    /// Why there is no value, or why it is not to be relied on.
    reason: Option<Reason>,
}

/// What came.
struct Come {
    rows: Vec<Row>,
    /// What was said of the bus.
    said: Vec<String>,
}

impl Come {
    fn new(alone: &Alone, ear: &Ear, language: Language) -> Self {
        let samples = ear.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let said = ear.said.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |(id, spec): &(PointId, &PointSpec)| Row::new(alone, spec, samples.get(id), language);
        Self {
            rows: points(alone).iter().map(row).collect(),
            said: said.iter().map(|text| alone.said(text)).collect(),
        }
    }

    /// Whether every point has a value.
    fn is_whole(&self) -> bool {
        self.rows.iter().all(|row| row.value.is_some())
    }

    fn show(&self, output: &Output) {
        let language = output.language_of_answers();
        self.said.iter().for_each(|text| output.line(&styled(FAINT, &bus_words::told(text, language))));
        let cells = |row: &Row| {
            let lacks = row.reason.filter(|_| row.value.is_none());
            let shown = match (lacks, row.said.clone()) {
                // The number says what is wrong: the order of the words, the scale, the sign.
                (Some(reason), Some(said)) => {
                    format!("{}{} {said}", problem(reason.words(), language), language.colon())
                }
                (Some(reason), None) => problem(reason.words(), language).to_owned(),
                (None, Some(said)) => said,
                (None, None) => language.say("nothing came", "rien n'est venu").to_owned(),
            };
            [row.name.clone(), shown]
        };
        let rows: Vec<[String; 2]> = self.rows.iter().map(cells).collect();
        table(&rows).iter().for_each(|row| output.line(row));
    }

    fn data(&self, alone: &Alone, path: Option<&Path>, recorded: &Result<(), String>) -> serde_json::Value {
        let point = |row: &Row| {
            let nothing = row.value.is_none().then_some("nothing came");
            let reason = row.reason.map(|reason| reason.words()).or(nothing);
            json!({ "name": row.name, "value": row.value, "unit": row.unit, "reason": reason, "said": row.said })
        };
        json!({
            "ok": self.is_whole() && recorded.is_ok(),
            "device": alone.name,
            "points": self.rows.iter().map(point).collect::<Vec<_>>(),
            "said": self.said,
            "recorded": path.filter(|_| recorded.is_ok()).map(|path| path.display().to_string()),
            "error": recorded.as_ref().err(),
        })
    }

    /// Writes what was said as a transcript, with the values that the file makes of it. The inner error says why it was not
    /// written.
    fn record(
        &self,
        path: &Path,
        mut draft: Draft,
        recorder: &Recorder,
        output: &Output,
    ) -> Result<Result<(), String>, Exit> {
        let (shown, language) = (path.display(), output.language_of_answers());
        if self.rows.iter().all(|row| row.value.is_none() && row.reason != Some(Reason::OutOfRange)) {
            return Ok(Err(say!(
                language,
                "no value came, so {shown} was not written",
                "aucune valeur n'est venue, donc {shown} n'a pas été écrit"
            )));
        }
        // Transcripts are played on a serial line, whatever the wire was.
        draft.bus.clear();
        let with = draft.with.values().map(|given| format!("with {} = {}\n", given.key, given.value));
        let text = format!("{}{}", with.collect::<String>(), recorder.text());
        let alone = accepted(&draft, output)?;
        let Some(bus) = alone.bus() else { return Err(Exit::Mistakes) };
        let played = transcript::play(bus, alone.subject(), &text);
        if let Err(error) = std::fs::write(path, &played.filled) {
            return Ok(Err(say!(
                language,
                "{shown} cannot be written: {error}",
                "{shown} ne peut pas être écrit : {error}"
            )));
        }
        if output.format == Format::Text {
            output.line(&say!(
                language,
                "{shown} was written: compare its values with the display of the device",
                "{shown} a été écrit : comparez ses valeurs avec l'écran de l'appareil"
            ));
        }
        Ok(Ok(()))
    }
}

impl Row {
    fn new(alone: &Alone, spec: &PointSpec, sample: Option<&Sample>, language: Language) -> Self {
        let value = sample.and_then(|sample| sample.value);
        // As the site that runs takes it: what the file calls impossible is no value.
        let is_impossible = value.is_some_and(|value| !spec.is_valid(value));
        let said = value.map(|value| causes::value(spec, value, language));
        let value = value.filter(|_| !is_impossible);
        let reason = sample.and_then(|sample| sample.quality.reason());
        let is_number = matches!(spec.kind, Kind::Number(_));
        let data = |value: Value| match value {
            Value::Number(base) => json!(twelve_digits(spec.unit().from_base(base).get())),
            Value::Flag(flag) => json!(flag),
            Value::Word(_) => json!(spec.show(value)),
        };
        Self {
            name: alone.short(&spec.name).to_owned(),
            said,
            value: value.map(data),
            unit: is_number.then(|| symbol(spec.unit()).to_owned()),
            reason: if is_impossible { Some(Reason::OutOfRange) } else { reason },
        }
    }
}
