//! The servers of a running program: the control socket and the metrics, until it is told to stop.

use crate::cli::terminal::{LOOK, Output, styled};
use crate::control::protocol::{Answer, Call};
use crate::control::server::{self, Listener};
use crate::report::language::say;
use crate::runtime::message::Message;
use crate::web::{self, Health, Status};
use ballast_host::supervisor;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::task::Poll;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// The decision thread answers within this time, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(5);
/// A person's question may take longer: a reload compiles.
const PATIENCE_OF_PEOPLE: Duration = Duration::from_secs(55);

/// How changed files are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The kernel tells at once.
    Told,
    /// By looking every few seconds: the kernel sends no messages.
    Looked,
    /// Not at all: only a person loads them.
    Nothing,
}

/// Serves until the program is told to stop or its decisions have ended.
pub async fn until_told(
    metrics: &str,
    finding: Finding,
    control: Option<Listener>,
    sender: &SyncSender<Message>,
    mut has_ended: oneshot::Receiver<()>,
    told: Told,
    output: &Output,
) {
    if let Some(control) = control {
        let sender = sender.clone();
        tokio::spawn(server::serve(control, move |who, question| ask(sender.clone(), who, question)));
    }
    serve_metrics(metrics, finding, sender, output).await;
    tokio::spawn(tell_supervisor(sender.clone()));
    tokio::select! {
        () = told.wait() => {
            supervisor::stopping();
            stop(sender).await;
            // Whatever happens, the program ends.
            let _ = tokio::time::timeout(Duration::from_secs(10), has_ended).await;
        }
        _ = &mut has_ended => {}
    }
}

/// Tells the supervisor that the site runs, and goes on telling it as long as the decision thread turns.
async fn tell_supervisor(sender: SyncSender<Message>) {
    supervisor::ready("the site runs");
    let Some(pace) = supervisor::pace() else { return };
    loop {
        tokio::time::sleep(pace).await;
        let (reply, answer) = oneshot::channel();
        let is_asked = sender.try_send(Message::Alive(reply)).is_ok();
        if is_asked && matches!(tokio::time::timeout(PATIENCE, answer).await, Ok(Ok(()))) {
            supervisor::alive();
        }
    }
}

/// Tells the decision thread to stop.
pub async fn stop(sender: &SyncSender<Message>) {
    // A full channel empties: the decision thread is never blocked for long.
    while let Err(TrySendError::Full(_)) = sender.try_send(Message::Stop) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How a person or a supervisor tells the program to stop.
pub struct Told {
    signals: Vec<Signal>,
}

impl Told {
    /// Listens from now on: a signal that comes while the site still begins ends it well once it has begun.
    pub fn listen() -> Self {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
        Self { signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }

    async fn wait(mut self) {
        std::future::poll_fn(|context| {
            let is_told = self.signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if is_told { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// Metrics are worth less than control: when their port is taken the site runs without them.
async fn serve_metrics(address: &str, finding: Finding, sender: &SyncSender<Message>, output: &Output) {
    if address == "off" {
        return;
    }
    match tokio::net::TcpListener::bind(address).await {
        Ok(listener) => {
            let source = Arc::new(Running { sender: sender.clone(), finding });
            tokio::spawn(web::serve(listener, source));
        }
        Err(error) => {
            let text = say!(
                output.language,
                "no metrics: {address} cannot be opened ({error}); choose another with --metrics, or `off`",
                "pas de métriques : {address} ne peut pas être ouvert ({error}) ; choisissez une autre adresse avec --metrics, ou `off`"
            );
            output.complain(&styled(LOOK, &text));
        }
    }
}

async fn ask(sender: SyncSender<Message>, who: String, question: Call) -> Answer {
    let language = question.language;
    let (reply, answer) = oneshot::channel();
    if sender.try_send(Message::Ask { who, question, reply }).is_err() {
        return Answer::refused(
            language.say("the program is overloaded; try again", "le programme est surchargé ; réessayez"),
        );
    }
    match tokio::time::timeout(PATIENCE_OF_PEOPLE, answer).await {
        Ok(Ok(answer)) => answer,
        _ => Answer::refused(
            language.say("the program did not answer in time", "le programme n'a pas répondu à temps"),
        ),
    }
}

/// What the web server shows, asked of the decision thread.
struct Running {
    sender: SyncSender<Message>,
    finding: Finding,
}

impl Running {
    /// Waits for the decision thread; called on a thread that may wait.
    fn scrape(&self) -> Option<crate::metrics::Scrape> {
        let (reply, answer) = std::sync::mpsc::channel();
        self.sender.try_send(Message::Scrape(reply)).ok()?;
        answer.recv_timeout(PATIENCE).ok()
    }
}

/// What is said when nobody answers.
const SILENT: &str = "the decision thread does not answer";

impl Status for Running {
    fn metrics(&self) -> String {
        let mut text = self.scrape().map(|scrape| scrape.metrics).unwrap_or_default();
        // Of the shell and not of the decisions: known here.
        let told = match self.finding {
            Finding::Told => 1,
            Finding::Looked => 0,
            Finding::Nothing => return text,
        };
        text.push_str("# HELP ballast_files_watched 1 while the kernel tells of changed files, 0 while they are looked at.\n");
        text.push_str(&format!("# TYPE ballast_files_watched gauge\nballast_files_watched {told}\n"));
        text
    }

    fn health(&self) -> Health {
        if self.scrape().is_some() { Health::Good } else { Health::Bad(vec![SILENT.into()]) }
    }

    fn ready(&self) -> Health {
        match self.scrape() {
            Some(scrape) if scrape.not_ready.is_empty() => Health::Good,
            Some(scrape) => Health::Bad(scrape.not_ready),
            None => Health::Bad(vec![SILENT.into()]),
        }
    }
}
