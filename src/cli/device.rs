//! `ballast device check`, `ballast device read`: a device file tried alone, on a transcript and on the device itself.
//!
//! Neither needs a site, and neither tells a device anything: what is read is asked by questions that only read.

mod read;

use super::Exit;
use super::arguments::{Device, DeviceAction, DeviceCheck, Format};
use super::terminal::{BAD, FAINT, GOOD, LOOK, Output, styled, width_of_errors, width_of_output};
use crate::device_file::{Alone, Draft, Given, Refusal, Where};
use crate::report::language::{Language, Noun, say};
use ballast_config::diagnostics::Diagnostics;
use ballast_config::render::{self, Style};
use ballast_config::sources::Sources;
use ballast_drivers::transcript::{self, Asked, Check, Impossible, Played, Trouble};
use ballast_model::catalog::{Kind, PointSpec};
use ballast_model::quantity::Shown;
use ballast_model::{PointId, Span, Unit};
use serde_json::{Value, json};
use std::path::Path;

/// Longest transcript that is read, bytes.
const TRANSCRIPT_MAX: u64 = 4 * 1024 * 1024;

/// Runs it.
pub fn run(options: &Device, output: &Output) -> Exit {
    let result = match &options.action {
        DeviceAction::Check(options) => check(options, output),
        DeviceAction::Read(options) => read::read(options, output),
    };
    result.unwrap_or_else(|exit| exit)
}

/// A sentence about something that went wrong.
fn failed(text: &str, output: &Output) -> Exit {
    output.refuse(Exit::Failed, text)
}

fn unreadable(path: &Path, error: &std::io::Error, output: &Output) -> Exit {
    failed(&output.unreadable(path, error), output)
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
fn pairs(texts: &[String], option: &'static str, output: &Output) -> Result<Vec<Given>, Exit> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok(Given {
            key: name.trim().to_owned(),
            value: value.trim().to_owned(),
            place: Where::Option(option),
        }),
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

fn by_name(given: Vec<Given>) -> impl Iterator<Item = (String, Given)> {
    given.into_iter().map(|given| (given.key.clone(), given))
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
            let data = json!({ "diagnostics": render::flatten(&found, &sources) });
            Err(output.mistakes(Some(&drawn(&found, &sources, width_of_errors())), &data))
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
    draft.give(text.as_deref().unwrap_or_default());
    draft.transcript = options.transcript.as_deref().map(|path| path.display().to_string()).zip(text.clone());
    draft.with.extend(by_name(pairs(&options.with, "--with", output)?));
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
        Kind::Number(unit) => symbol(*unit).to_owned(),
        Kind::Words(words) => words.join(", "),
        Kind::Flag => language.say("yes, no", "oui, non").to_owned(),
    }
}

/// A unit as a file writes it: a plain number has the unit 1.
fn symbol(unit: Unit) -> &'static str {
    if unit == Unit::NONE { "1" } else { unit.symbol() }
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
