//! `ballast device check`, `ballast device read`: a device file tried alone, on a transcript and on the device itself.
//!
//! Neither needs a site, and neither tells a device anything: what is read is asked by questions that only read.

use super::Exit;
use super::arguments::{Device, DeviceAction, DeviceCheck, DeviceRead, Format};
use super::terminal::{BAD, FAINT, GOOD, LOOK, Output, styled, width_of_errors, width_of_output};
use crate::clock::Clock;
use crate::device_file::{Alone, Draft, Refusal};
use crate::report::bus_words;
use crate::report::causes::{self, problem};
use crate::report::language::{Language, Noun, say};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render::{self, Style};
use ballast_config::sources::Sources;
use ballast_drivers::transcript::{self, Asked, Check, Impossible, Played, Recorder, Trouble};
use ballast_drivers::{Batch, Report, Sink, spawn};
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::quantity::{Shown, parse_span};
use ballast_model::{PointId, Reason, Sample, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest transcript that is read, bytes.
const TRANSCRIPT_MAX: u64 = 4 * 1024 * 1024;
/// How often it is looked whether everything has been read.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest time for which is read, seconds.
const LASTING_MAX: u64 = 3600;

/// Runs it.
pub fn run(options: &Device, output: &Output) -> Exit {
    let result = match &options.action {
        DeviceAction::Check(options) => check(options, output),
        DeviceAction::Read(options) => read(options, output),
    };
    result.unwrap_or_else(|exit| exit)
}

/// A sentence about something that went wrong.
fn failed(text: &str, output: &Output) -> Exit {
    match output.format {
        Format::Json => output.line(&json!({ "ok": false, "error": text }).to_string()),
        Format::Text => output.complain(&styled(BAD, text)),
    }
    Exit::Failed
}

fn unreadable(path: &Path, error: &std::io::Error, output: &Output) -> Exit {
    let (shown, language) = (path.display(), output.language_of_answers());
    failed(
        &say!(language, "{shown} cannot be read: {error}", "{shown} ne peut pas être lu : {error}"),
        output,
    )
}

fn text_of(path: &Path, output: &Output) -> Result<String, Exit> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path);
    if let Err(error) = file.and_then(|file| file.take(TRANSCRIPT_MAX + 1).read_to_string(&mut text)) {
        return Err(unreadable(path, &error, output));
    }
    if text.len() as u64 > TRANSCRIPT_MAX || text.lines().count() > transcript::LINES_MAX {
        let (shown, most) = (path.display(), transcript::LINES_MAX);
        return Err(failed(
            &say!(
                output.language_of_answers(),
                "{shown} is too long: a transcript has at most {most} lines and 4 MiB",
                "{shown} est trop long : une transcription a au plus {most} lignes et 4 Mio"
            ),
            output,
        ));
    }
    Ok(text)
}

/// `NAME=VALUE`, several times.
fn pairs(texts: &[String], option: &str, output: &Output) -> Result<Vec<(String, String)>, Exit> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(failed(
            &say!(
                output.language_of_answers(),
                "`{option} {text}` is not NAME=VALUE",
                "`{option} {text}` n'est pas de la forme NOM=VALEUR"
            ),
            output,
        )),
    };
    texts.iter().map(pair).collect()
}

/// The file, checked; what is wrong with it is told.
fn accepted(draft: &Draft, output: &Output) -> Result<Alone, Exit> {
    let refusal = match draft.check() {
        Ok(alone) => return Ok(alone),
        Err(refusal) => refusal,
    };
    let language = output.language_of_answers();
    match refusal {
        Refusal::Mistakes(found, sources) => {
            match output.format {
                Format::Json => {
                    let found = render::flatten(&found, &sources);
                    output.line(&json!({ "ok": false, "found": { "diagnostics": found } }).to_string());
                }
                Format::Text => output.complain(drawn(&found, &sources, width_of_errors()).trim_end()),
            }
            Err(Exit::Mistakes)
        }
        Refusal::Needs(needs) => {
            let each = needs.iter().map(|(name, about)| format!("\n  --with {name}=...   {about}"));
            let each: String = each.collect();
            Err(failed(
                &say!(
                    language,
                    "the file has parameters without a default; give each a value, here or in the transcript (`with NAME = VALUE`):{each}",
                    "le fichier a des paramètres sans valeur par défaut ; donnez-les ici ou dans la transcription (`with NOM = VALEUR`) :{each}"
                ),
                output,
            ))
        }
        Refusal::Unknown(name, known) => {
            let known = known.join(", ");
            Err(failed(
                &say!(
                    language,
                    "the file has no parameter `{name}`; it has: {known}",
                    "le fichier n'a pas de paramètre `{name}` ; il a : {known}"
                ),
                output,
            ))
        }
    }
}

fn drawn(found: &Diagnostics, sources: &Sources, width: Option<usize>) -> String {
    render::render_within(found, sources, Style::Coloured, width)
}

fn check(options: &DeviceCheck, output: &Output) -> Result<Exit, Exit> {
    let mut draft = Draft::read(&options.file).map_err(|error| unreadable(&options.file, &error, output))?;
    let text = options.transcript.as_deref().map(|path| text_of(path, output)).transpose()?;
    let given = transcript::parameters(text.as_deref().unwrap_or_default());
    draft.with.extend(given.into_iter().map(|(name, (_, value))| (name, value)));
    draft.with.extend(pairs(&options.with, "--with", output)?);
    let alone = accepted(&draft, output)?;
    let played = text.and_then(|text| Some(transcript::play(alone.bus()?, alone.subject(), &text)));
    let asked = alone.bus().map(|bus| transcript::asked(bus, alone.subject())).unwrap_or_default();
    if let (Some(path), Some(played), true) = (&options.transcript, &played, options.fill) {
        std::fs::write(path, &played.filled).map_err(|error| unreadable(path, &error, output))?;
    }
    let is_good = options.fill || played.as_ref().is_none_or(Played::is_met);
    match output.format {
        Format::Json => output.line(&data(&alone, &asked, played.as_ref()).to_string()),
        Format::Text => {
            greet(&alone, output);
            match (&options.transcript, &played) {
                (Some(path), Some(played)) => tell_played(path, played, options.fill, output),
                _ => tell(&alone, &asked, output),
            }
        }
    }
    Ok(if is_good { Exit::Done } else { Exit::Failed })
}

/// That it is good, and what it is.
fn greet(alone: &Alone, output: &Output) {
    if !alone.found.is_empty() {
        output.line(drawn(&alone.found, &alone.sources, width_of_output()).trim_end());
    }
    let language = output.language;
    let good = styled(GOOD, language.say("no mistakes.", "aucune erreur."));
    output.line(&format!(
        "{good} {} ({}), {} {}{} {}, {}",
        alone.name,
        alone.label,
        language.say("driver", "pilote"),
        alone.driver,
        language.colon(),
        language.counted(alone.definition.points.len(), Noun::Point),
        language.counted(alone.catalog.outputs.len(), Noun::Output)
    ));
}

/// What was understood.
fn tell(alone: &Alone, asked: &[Asked], output: &Output) {
    let (language, points) = (output.language, points(alone));
    let mut rows = vec![match language {
        Language::En => ["point", "values", "period", "too old after", "smallest step"].map(str::to_owned),
        Language::Fr => {
            ["point", "valeurs", "période", "trop vieux après", "plus petit pas"].map(str::to_owned)
        }
    }];
    rows.extend(points.iter().map(|(_, spec)| {
        let span = |span: Option<Span>| span.map_or("-".to_owned(), |span| span.to_string());
        let name = alone.short(&spec.name).to_owned();
        [
            name,
            values(spec, language),
            span(spec.period),
            span(spec.max_age),
            step(spec).unwrap_or("-".to_owned()),
        ]
    }));
    if rows.len() > 1 {
        table(&rows).iter().for_each(|row| output.line(row));
    }
    for spec in &alone.catalog.outputs {
        let word = language.say("output", "sortie");
        output.line(&format!(
            "{word} {}{} {}",
            alone.short(&spec.name),
            language.colon(),
            kind_of(&spec.kind, language)
        ));
    }
    for (place, Asked { request, period, points }) in asked.iter().enumerate() {
        let points: Vec<&str> = points.iter().map(|name| alone.short(name)).collect();
        let points = points.join(", ");
        output.line(&say!(
            language,
            "ask {place}, every {period}: {request}",
            "ask {place}, toutes les {period} : {request}"
        ));
        output.line(&styled(FAINT, &format!("  {points}")));
    }
}

fn kind_of(kind: &ballast_model::catalog::OutputKind, language: Language) -> String {
    match kind {
        ballast_model::catalog::OutputKind::Contact => {
            language.say("open, closed", "coupé (open), connecté (closed)").to_owned()
        }
        ballast_model::catalog::OutputKind::Setpoint(unit) => {
            let symbol = unit.symbol();
            say!(language, "a number in {symbol}", "un nombre en {symbol}")
        }
    }
}

fn points(alone: &Alone) -> Vec<(PointId, &PointSpec)> {
    let of_device = alone.definition.points.iter().map(|point| point.point);
    of_device.filter_map(|id| Some((id, alone.catalog.point(id)?))).collect()
}

fn values(spec: &PointSpec, language: Language) -> String {
    match &spec.kind {
        Kind::Number(unit) => unit.symbol().to_string(),
        Kind::Words(words) => words.join(", "),
        Kind::Flag => language.say("yes, no", "oui, non").to_owned(),
    }
}

fn step(spec: &PointSpec) -> Option<String> {
    spec.resolution.map(|base| Shown { base, unit: spec.unit() }.to_string())
}

/// Columns under each other.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let wide = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(wide).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}"));
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

fn tell_played(path: &Path, played: &Played, is_filled: bool, output: &Output) {
    let (shown, language) = (path.display(), output.language);
    for (line, trouble) in &played.troubles {
        let words = in_words(trouble, language);
        output.line(&styled(BAD, &format!("{shown}:{line}: {words}")));
    }
    if is_filled {
        output.line(&say!(
            language,
            "{shown} says now what the file makes of it; read it over",
            "{shown} dit maintenant ce que le fichier en fait ; relisez-le"
        ));
        return;
    }
    for Check { line, wanted, found } in played.checks.iter().filter(|check| !check.is_met()) {
        let nothing = language.say("nothing", "rien");
        let wanted = wanted.as_deref().unwrap_or(nothing);
        let found = found.as_deref().unwrap_or(nothing);
        let (wants, finds) = (language.say("wanted", "voulu "), language.say("found ", "trouvé"));
        output.line(&format!("{shown}:{line}: {wants} {wanted}"));
        output.line(&styled(BAD, &format!("{shown}:{line}: {finds} {found}")));
    }
    for Impossible { line, point, value } in &played.impossible {
        let text = say!(
            language,
            "{shown}:{line}: {point} {value} is outside the valid range: a site takes it for no value",
            "{shown}:{line} : {point} {value} est hors de la plage valide : un site n'y voit pas de valeur"
        );
        output.line(&styled(LOOK, &text));
    }
    let (count, good) = (played.checks.len(), played.checks.iter().filter(|check| check.is_met()).count());
    let style = if played.is_met() { GOOD } else { BAD };
    let summary =
        say!(language, "{shown}: {good} of {count} as wanted", "{shown} : {good} sur {count} comme voulu");
    output.line(&styled(style, &summary));
    if count == 0 {
        let hint = language.say(
            "it wants nothing: write `= POINT VALUE` below an answer, or let `--fill` write what comes",
            "elle ne veut rien : écrivez `= POINT VALEUR` sous une réponse, ou laissez `--fill` écrire ce qui vient",
        );
        output.line(&styled(LOOK, hint));
    }
}

fn in_words(trouble: &Trouble, language: Language) -> String {
    if language == Language::En {
        return trouble.to_string();
    }
    match trouble {
        Trouble::NotALine => "ce n'est pas une ligne de transcription".to_owned(),
        Trouble::NotBytes => {
            "ce ne sont pas des octets : écrivez deux chiffres hexadécimaux pour chacun, comme `01 04 02 09 00 crc`".to_owned()
        }
        Trouble::NotAsked => "personne n'a demandé : `ask` ou `!` vient avant une réponse".to_owned(),
        Trouble::NoRead(read) => format!("il n'y a pas de lecture {read} ; elles comptent à partir de 0"),
        Trouble::NoOutput(name) => format!("il n'y a pas de sortie `{name}`"),
        Trouble::NotAState(text) => {
            format!("`{text}` n'est pas un état : écrivez `open`, `closed` ou une grandeur")
        }
        Trouble::NotTold => "on ne peut pas dire cela à la sortie".to_owned(),
        Trouble::NotHere(driver) => format!("cette ligne ne sert à rien au pilote `{driver}`"),
    }
}

fn data(alone: &Alone, asked: &[Asked], played: Option<&Played>) -> Value {
    let seconds = |span: Option<Span>| span.map(|span| span.millis() as f64 / 1000.0);
    let point = |(_, spec): &(PointId, &PointSpec)| {
        json!({
            "name": alone.short(&spec.name),
            "values": values(spec, Language::En),
            "period_s": seconds(spec.period),
            "max_age_s": seconds(spec.max_age),
            "resolution": step(spec),
        })
    };
    let ask = |asked: &Asked| {
        let points: Vec<&str> = asked.points.iter().map(|name| alone.short(name)).collect();
        json!({ "request": asked.request, "period_s": seconds(Some(asked.period)), "points": points })
    };
    let transcript = played.map(|played| {
        let check = |check: &Check| {
            json!({ "line": check.line, "wanted": check.wanted, "found": check.found, "ok": check.is_met() })
        };
        let impossible = |it: &Impossible| json!({ "line": it.line, "point": it.point, "value": it.value });
        let trouble = |(line, trouble): &(usize, Trouble)| json!({ "line": line, "text": trouble.to_string() });
        json!({
            "ok": played.is_met(),
            "checks": played.checks.iter().map(check).collect::<Vec<_>>(),
            "impossible": played.impossible.iter().map(impossible).collect::<Vec<_>>(),
            "troubles": played.troubles.iter().map(trouble).collect::<Vec<_>>(),
        })
    });
    let outputs: Vec<&str> = alone.catalog.outputs.iter().map(|spec| alone.short(&spec.name)).collect();
    json!({
        "ok": played.is_none_or(Played::is_met),
        "device": alone.name,
        "label": alone.label,
        "driver": alone.driver,
        "points": points(alone).iter().map(point).collect::<Vec<_>>(),
        "outputs": outputs,
        "asks": asked.iter().map(ask).collect::<Vec<_>>(),
        "found": { "diagnostics": render::flatten(&alone.found, &alone.sources) },
        "transcript": transcript,
    })
}

/// What came in: the last sample of each point, and what was said of the bus last.
#[derive(Default)]
struct Ear {
    samples: Mutex<BTreeMap<PointId, Sample>>,
    said: Mutex<Vec<String>>,
}

impl Ear {
    fn has_values(&self) -> bool {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.values().any(|sample| sample.value.is_some())
    }
}

impl Sink for Ear {
    fn deliver(&self, batch: &mut Batch) -> bool {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.extend(batch.samples.drain(..).map(|sample| (sample.point, sample)));
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for report in batch.reports.drain(..) {
            if let Report::Link { text, .. } = report
                && said.last().is_none_or(|last| **last != *text)
            {
                said.push(text.into());
            }
        }
        true
    }
}

fn read(options: &DeviceRead, output: &Output) -> Result<Exit, Exit> {
    let language = output.language_of_answers();
    let lasting = parse_span(&options.lasting).map(|span| Duration::from_millis(span.millis()));
    let Some(lasting) = lasting.filter(|span| *span <= Duration::from_secs(LASTING_MAX)) else {
        let text = &options.lasting;
        let wrong = say!(
            language,
            "`--for {text}` is not a time of {LASTING_MAX}s at most",
            "`--for {text}` n'est pas une durée de {LASTING_MAX}s au plus"
        );
        return Err(failed(&wrong, output));
    };
    let mut draft = Draft::read(&options.file).map_err(|error| unreadable(&options.file, &error, output))?;
    draft.with.extend(pairs(&options.with, "--with", output)?);
    draft.bus = pairs(&options.bus, "--bus", output)?;
    let alone = accepted(&draft, output)?;
    let Some(bus) = alone.bus() else { return Err(Exit::Mistakes) };
    let (bus, recorder) = transcript::recorded(bus);
    if let (Some(path), None) = (&options.record, &recorder) {
        let (driver, shown) = (alone.driver, path.display());
        let text = say!(
            language,
            "only what is said over Modbus is recorded; {shown} was not written: for the driver `{driver}` write the transcript by hand",
            "seul ce qui se dit en Modbus est enregistré ; {shown} n'a pas été écrit : pour le pilote `{driver}`, écrivez la transcription à la main"
        );
        return Err(failed(&text, output));
    }
    if let Some(path) = options.record.as_deref().filter(|path| path.exists()) {
        let shown = path.display();
        let text = say!(
            language,
            "{shown} is there already: give another name, or remove it",
            "{shown} existe déjà : donnez un autre nom, ou supprimez-le"
        );
        return Err(failed(&text, output));
    }
    let ear = Arc::new(Ear::default());
    let wanted: Vec<PointId> = points(&alone).iter().map(|(id, _)| *id).collect();
    listen(bus, &ear, &wanted, lasting).map_err(|error| failed(&error.to_string(), output))?;
    let is_whole = show(&alone, &ear, output);
    if let (Some(path), Some(recorder)) = (&options.record, recorder) {
        if !ear.has_values() {
            let shown = path.display();
            let text = say!(
                language,
                "no value came, so {shown} was not written",
                "aucune valeur n'est venue, donc {shown} n'a pas été écrit"
            );
            return Err(failed(&text, output));
        }
        draft.bus.clear();
        record(path, &draft, &recorder, output)?;
    }
    Ok(if is_whole { Exit::Done } else { Exit::Failed })
}

/// Runs the bus until every point was read well, or the time is over.
fn listen(
    bus: ballast_drivers::OpenBus,
    ear: &Arc<Ear>,
    wanted: &[PointId],
    lasting: Duration,
) -> std::io::Result<()> {
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

/// Prints what was read; whether every point had a value.
fn show(alone: &Alone, ear: &Ear, output: &Output) -> bool {
    let samples = ear.samples.lock().unwrap_or_else(PoisonError::into_inner);
    let said = ear.said.lock().unwrap_or_else(PoisonError::into_inner);
    let language = output.language;
    let mut is_whole = true;
    let (mut rows, mut data) = (Vec::new(), Vec::new());
    for (id, spec) in points(alone) {
        let name = alone.short(&spec.name).to_owned();
        let sample = samples.get(&id);
        let value = sample.and_then(|sample| sample.value);
        // As the site that runs takes it: what the file calls impossible is no value.
        let is_impossible = value.is_some_and(|value| !spec.is_valid(value));
        let said = value.map(|value| causes::value(spec, value, output.language_of_answers()));
        let value = said.clone().filter(|_| !is_impossible);
        let reason = sample.and_then(|sample| sample.quality.reason());
        let reason = if is_impossible { Some(Reason::OutOfRange) } else { reason };
        is_whole &= value.is_some();
        let row = json!({ "name": name, "value": value, "reason": reason.map(|reason| reason.words()), "said": said });
        data.push(row);
        let nothing = match (reason, said) {
            // The number says what is wrong: the order of the words, the scale, the sign.
            (Some(reason), Some(said)) => {
                format!("{}{} {said}", problem(reason.words(), language), language.colon())
            }
            (Some(reason), None) => problem(reason.words(), language).to_owned(),
            (None, _) => language.say("nothing came", "rien n'est venu").to_owned(),
        };
        rows.push([name, value.unwrap_or(nothing)]);
    }
    if output.format == Format::Json {
        output.line(&json!({ "ok": is_whole, "points": data, "said": *said }).to_string());
        return is_whole;
    }
    said.iter().for_each(|text| output.line(&styled(FAINT, &bus_words::told(text, language))));
    table(&rows).iter().for_each(|row| output.line(row));
    is_whole
}

/// Writes what was said as a transcript, with the values that the file makes of it. `draft` has the bus on which transcripts
/// are played: a serial line, whatever the wire was.
fn record(path: &Path, draft: &Draft, recorder: &Recorder, output: &Output) -> Result<(), Exit> {
    let with: String = draft.with.iter().map(|(name, value)| format!("with {name} = {value}\n")).collect();
    let text = format!("{with}{}", recorder.text());
    let alone = accepted(draft, output)?;
    let Some(bus) = alone.bus() else { return Err(Exit::Mistakes) };
    let played = transcript::play(bus, alone.subject(), &text);
    std::fs::write(path, &played.filled).map_err(|error| unreadable(path, &error, output))?;
    if output.format == Format::Text {
        let shown = path.display();
        output.line(&say!(
            output.language,
            "{shown} was written: compare its values with the display of the device",
            "{shown} a été écrit : comparez ses valeurs avec l'écran de l'appareil"
        ));
    }
    Ok(())
}
