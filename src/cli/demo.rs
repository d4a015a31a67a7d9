//! `ballast demo`: the village, from a directory of its own, on a clock that runs faster than life.

use super::Exit;
use super::arguments::{Demo, Format};
use super::run::{Undertaking, carry_out};
use super::terminal::{FAINT, Output, STRONG, styled};
use super::times;
use crate::report::language::{Language, say};
use crate::runtime::message::Message;
use crate::simulation::field::{self, Onlooker};
use crate::simulation::lockstep::{VILLAGE, village_at};
use crate::simulation::pace::Pace;
use crate::simulation::{SharedPlant, picture};
use ballast_host::Clock;
use ballast_model::{Span, Utc};
use ballast_plant::Village;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::IsTerminal;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Speeds that make sense: from a tenth of life to an hour in a second.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=3_600.0;
/// The picture is drawn anew so often on a terminal, where it stands in one place ...
const REDRAW: Duration = Duration::from_millis(250);
/// ... and elsewhere, where each is a line.
const REPEAT: Duration = Duration::from_secs(5);

/// Runs the demonstration.
pub fn run(options: &Demo, output: Output) -> Exit {
    let language = output.language_of_answers();
    let wishes = match Wishes::read(options, language) {
        Ok(wishes) => wishes,
        Err(error) => return output.refuse(Exit::Failed, &error),
    };
    let directory = match Directory::make(options.directory.as_deref(), language) {
        Ok(directory) => directory,
        Err(error) => return output.refuse(Exit::Failed, &error),
    };
    let spec = village_at(wishes.start_s);
    let clock = Arc::new(Clock::made_up(Utc::from_millis(spec.start_unix_s.saturating_mul(1000))));
    let plant = match SharedPlant::new(spec, options.seed, clock.now()) {
        Ok(plant) => plant,
        Err(error) => {
            let text =
                say!(language, "the village cannot be: {error}", "le village ne peut pas exister : {error}");
            return output.refuse(Exit::Failed, &text);
        }
    };
    if output.format == Format::Text {
        introduce(options, &wishes, &directory.path, &output);
    }
    let screen = Arc::new(Mutex::new(Screen::new(output)));
    let drawing = Arc::clone(&screen);
    let onlooker: Onlooker =
        Arc::new(move |village| drawing.lock().unwrap_or_else(PoisonError::into_inner).draw(village));
    let printing = Arc::clone(&screen);
    let undertaking = Undertaking {
        site: &directory.path,
        holds: false,
        state: directory.path.join(".ballast"),
        overrides: Vec::new(),
        clock: Arc::clone(&clock),
        metrics: &options.metrics,
        is_quiet: false,
        is_watched: true,
        lasting: wishes.lasting,
        sockets: None,
        show_line: Some(Box::new(move |line| {
            printing.lock().unwrap_or_else(PoisonError::into_inner).line(line);
        })),
    };
    let pace = Some(Pace::new(options.speed));
    let is_unread = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&is_unread);
    let exit = carry_out(undertaking, output, |sender, _| {
        end_unread(sender, mark);
        field::opener(plant, clock, pace, Some(onlooker))
    });
    screen.lock().unwrap_or_else(PoisonError::into_inner).leave();
    if is_unread.load(Ordering::Acquire) { Exit::Unread } else { exit }
}

/// Ends the demonstration when its reader has gone away (`ballast demo | head`): it is there to be looked at. A site that
/// runs goes on, whoever looks.
fn end_unread(sender: SyncSender<Message>, is_unread: Arc<AtomicBool>) {
    let watch = move || {
        let stdout = std::io::stdout();
        // Errors and the other end's leaving are always told.
        let mut look = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut look, None) == Err(Errno::INTR) {}
        let is_gone = |found: &PollFd<'_>| found.revents().intersects(PollFlags::ERR | PollFlags::HUP);
        if look.iter().any(is_gone) {
            is_unread.store(true, Ordering::Release);
            // One that ends already does not care.
            let _ = sender.send(Message::Stop);
        }
    };
    // Without a thread it goes on until somebody ends it.
    let _ = std::thread::Builder::new().name("reader".into()).spawn(watch);
}

/// What the command line asks, understood.
struct Wishes {
    /// Local time of the village's day, s after midnight.
    start_s: u64,
    lasting: Option<Duration>,
}

impl Wishes {
    fn read(options: &Demo, language: Language) -> Result<Self, String> {
        if !SPEEDS.contains(&options.speed) {
            let speed = options.speed;
            return Err(say!(
                language,
                "--speed {speed}: give a number from 0.1 to 3600",
                "--speed {speed} : donnez un nombre de 0.1 à 3600"
            ));
        }
        let start: Option<jiff::civil::Time> = options.start.parse().ok();
        let start = start.ok_or_else(|| {
            let start = &options.start;
            say!(
                language,
                "--start {start}: give a local time of the village's day, as 19:15",
                "--start {start} : donnez une heure locale de la journée du village, comme 19:15"
            )
        })?;
        let lasting = match &options.lasting {
            None => None,
            Some(text) => {
                let span = times::span("--for", text, Span::from_millis(1), Span::MAX, language)?;
                Some(Duration::from_nanos(span.nanos()))
            }
        };
        let seconds =
            i64::from(start.hour()) * 3600 + i64::from(start.minute()) * 60 + i64::from(start.second());
        Ok(Self { start_s: u64::try_from(seconds).unwrap_or(0), lasting })
    }
}

/// Where the demonstration's files lie.
struct Directory {
    path: PathBuf,
    is_temporary: bool,
}

impl Directory {
    fn make(asked: Option<&Path>, language: Language) -> Result<Self, String> {
        let own = || std::env::temp_dir().join(format!("ballast-demo-{}", std::process::id()));
        let path = asked.map_or_else(own, Path::to_owned);
        let shown = path.display().to_string();
        let fails = |error: std::io::Error| {
            say!(language, "{shown} cannot be written: {error}", "{shown} ne peut pas être écrit : {error}")
        };
        let made = std::fs::DirBuilder::new().recursive(asked.is_some()).mode(0o700).create(&path);
        made.map_err(fails)?;
        if path.join(".ballast").exists() {
            return Err(say!(
                language,
                "{shown} holds the state of an earlier run, whose time is another one: choose another directory",
                "{shown} contient l'état d'une exécution passée, dont l'heure est une autre : choisissez un autre dossier"
            ));
        }
        // Files that a person has changed are kept.
        if !path.join("site.yaml").exists() {
            VILLAGE.extract(&path).map_err(fails)?;
        }
        Ok(Self { is_temporary: asked.is_none(), path })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.is_temporary {
            // What is left behind lies in the directory for such things.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Says what is to be seen and how to look closer.
fn introduce(options: &Demo, wishes: &Wishes, site: &Path, output: &Output) {
    let (hour, minute) = (wishes.start_s / 3600, wishes.start_s / 60 % 60);
    let speed = options.speed;
    output.line(&styled(
        STRONG,
        output.say(
            "An island village: 40 homes, two generating sets, 40 kWp of sun, a 60 kWh battery.",
            "Un village en îlot : 40 foyers, deux groupes électrogènes, 40 kWc de soleil, une batterie de 60 kWh.",
        ),
    ));
    let text = say!(
        output.language,
        "It is {hour:02}:{minute:02}, time runs {speed} x faster than life. Clouds come at 14:15 and 15:00, and around\n\
             19:30, at the evening peak, the main set breaks. Everything is simulated; rules and guard are real.",
        "Il est {hour:02}:{minute:02}, le temps passe {speed} x plus vite. Des nuages viennent à 14:15 et à 15:00, et vers\n\
             19:30, à la pointe du soir, le groupe principal tombe en panne. Tout est simulé ; règles et protections sont vraies."
    );
    output.line(&text);
    let site = site.display();
    let look = output
        .say("Look closer from another terminal:", "Pour regarder de plus près, dans un autre terminal :");
    output.line(&format!("{look}\n  ballast why homes_north --site {site}\n  ballast status --site {site}"));
    output.line(&format!("  $EDITOR {site}/rules/balance.rhai"));
    if options.metrics != "off" {
        output.line(&format!("  curl http://{}/metrics", options.metrics));
    }
    output.line(&styled(FAINT, output.say("Ctrl-C ends it.", "Ctrl-C pour finir.")));
    output.line("");
}

/// Events scroll, and the picture of the village stands below them.
struct Screen {
    output: Output,
    is_terminal: bool,
    picture: String,
    drawn: Option<Instant>,
    pictures: u32,
}

impl Screen {
    fn new(output: Output) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self { output, is_terminal, picture: String::new(), drawn: None, pictures: 0 }
    }

    /// One event. That every output begins at its default is no news, and would be the first screenful.
    fn line(&mut self, text: &str) {
        if self.pictures < 2 && text.contains(self.output.say(AS_EXPECTED.0, AS_EXPECTED.1)) {
            return;
        }
        if self.is_terminal && !self.picture.is_empty() {
            self.output.piece(&format!("{CLEAR}{text}\n{}", self.picture));
        } else {
            self.output.line(text);
        }
    }

    fn draw(&mut self, village: &Village) {
        let pause = if self.is_terminal { REDRAW } else { REPEAT };
        if self.output.format == Format::Json || self.drawn.is_some_and(|drawn| drawn.elapsed() < pause) {
            return;
        }
        self.drawn = Some(Instant::now());
        self.pictures = self.pictures.saturating_add(1);
        let picture = picture::line(village, self.output.language);
        if self.is_terminal {
            self.picture = cut(&picture, columns());
            self.output.piece(&format!("{CLEAR}{}", self.picture));
        } else {
            self.output.line(&picture);
        }
    }

    /// The last picture stays.
    fn leave(&mut self) {
        if self.is_terminal && !std::mem::take(&mut self.picture).is_empty() {
            self.output.line("");
        }
    }
}

/// How the line of an output ends that does what it does when nobody asks, in English and in French.
const AS_EXPECTED: (&str, &str) = ("nobody asks, the default holds", " : personne ne demande rien");

/// To the beginning of the line, and nothing in it.
const CLEAR: &str = "\r\x1b[2K";

fn columns() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(120, |size| usize::from(size.ws_col).max(20))
}

/// A picture that is too wide would break into two lines and could not be drawn over; it loses its colours as well.
fn cut(picture: &str, columns: usize) -> String {
    let plain = anstream::adapter::strip_str(picture).to_string();
    if plain.chars().count() < columns {
        picture.to_owned()
    } else {
        plain.chars().take(columns - 1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_picture_is_cut() {
        assert_eq!(cut("\x1b[31mabc\x1b[0m", 10), "\x1b[31mabc\x1b[0m");
        assert_eq!(cut("\x1b[31mabcdef\x1b[0m", 4), "abc");
    }

    #[test]
    fn the_village_travels_whole() {
        for name in
            ["site.yaml", "safety.yaml", "rules/balance.rhai", "rules/evening.rhai", "rules/storage.rhai"]
        {
            assert!(VILLAGE.get_file(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_directory_of_its_own_goes_with_it() {
        let directory = Directory::make(None, Language::En).unwrap();
        let path = directory.path.clone();
        assert!(path.join("rules/balance.rhai").exists());
        drop(directory);
        assert!(!path.exists());
    }
}
