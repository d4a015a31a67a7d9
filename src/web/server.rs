//! The HTTP server for metrics and health.
//!
//! It answers questions and takes no orders. Whoever can reach the port can read: the caller binds it to loopback unless
//! the site says otherwise. Each connection carries one question and has [`CONNECTION_MAX`] for it, whatever the other
//! side does, so nobody can hold the door shut for long.

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// Connections at the same time; a further one waits for its turn.
const CONNECTIONS_MAX: usize = 32;
/// From the first byte of a question to the last one of its answer. Prometheus itself gives up after 10 s by default.
const CONNECTION_MAX: Duration = Duration::from_secs(15);
/// The format that [`super::Exposition`] writes.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// Whether all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is.
    Good,
    /// It is not, for these reasons: one sentence each.
    Bad(Vec<String>),
}

/// What the server shows. Each is asked on a thread that may wait.
pub trait Status: Send + Sync + 'static {
    /// The metrics of this moment, as [`super::Exposition::finish`] gives them.
    fn metrics(&self) -> String;
    /// Whether the program does its work. A supervisor may restart it when it does not.
    fn health(&self) -> Health;
    /// Whether the site is controlled as its owner wrote it: a plan is loaded, the guard answers.
    fn ready(&self) -> Health;
}

/// Answers `/metrics`, `/healthz`, `/readyz` and `/` until it is dropped.
pub async fn serve(listener: TcpListener, source: Arc<dyn Status>) {
    serve_within(Door::new(listener, CONNECTIONS_MAX, CONNECTION_MAX), source).await;
}

async fn serve_within(door: Door, source: Arc<dyn Status>) {
    let router = Router::new()
        .route("/", get(about))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|State(source): State<Arc<dyn Status>>| health(move || source.health())))
        .route("/readyz", get(|State(source): State<Arc<dyn Status>>| health(move || source.ready())))
        .fallback(|| async {
            text(StatusCode::NOT_FOUND, TEXT_TYPE, "there is no such page; see /\n".into())
        })
        .layer(axum::middleware::map_response(one_question))
        .with_state(source);
    // It ends only by being dropped.
    let _ = axum::serve(door, router).await;
}

async fn about() -> Response {
    let body = concat!(
        "Ballast ",
        env!("CARGO_PKG_VERSION"),
        "\n\n/metrics  for Prometheus\n/healthz  does the program work\n/readyz   is the site controlled\n"
    );
    text(StatusCode::OK, TEXT_TYPE, body.into())
}

/// Thousands of points take some milliseconds to write: not on the thread that serves the buses.
async fn metrics(State(source): State<Arc<dyn Status>>) -> Response {
    match tokio::task::spawn_blocking(move || source.metrics()).await {
        Ok(body) => text(StatusCode::OK, METRICS_TYPE, body),
        Err(_) => {
            let body = "the metrics could not be written; the program's log says why\n".into();
            text(StatusCode::INTERNAL_SERVER_ERROR, TEXT_TYPE, body)
        }
    }
}

/// Asked on a thread that may wait for the answer.
async fn health(ask: impl FnOnce() -> Health + Send + 'static) -> Response {
    let broken = |_| Health::Bad(vec!["the answer could not be made; the program's log says why".into()]);
    match tokio::task::spawn_blocking(ask).await.unwrap_or_else(broken) {
        Health::Good => text(StatusCode::OK, TEXT_TYPE, "ok\n".into()),
        Health::Bad(reasons) => {
            let lines = reasons.iter().map(|reason| format!("{}\n", reason.replace('\n', " ")));
            text(StatusCode::SERVICE_UNAVAILABLE, TEXT_TYPE, lines.collect())
        }
    }
}

fn text(status: StatusCode, content: &'static str, body: String) -> Response {
    (status, [(CONTENT_TYPE, content), (CACHE_CONTROL, "no-store")], body).into_response()
}

/// Has the connection closed after the answer, whichever it is.
async fn one_question(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Lets in a bounded number of connections, each for a bounded time.
struct Door {
    listener: TcpListener,
    turns: Arc<Semaphore>,
    time: Duration,
}

impl Door {
    fn new(listener: TcpListener, connections: usize, time: Duration) -> Self {
        Self { listener, turns: Arc::new(Semaphore::new(connections)), time }
    }
}

impl Listener for Door {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        // The semaphore is never closed; without a turn a connection would be let in all the same.
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok();
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Without it an answer is only slower.
        let _ = stream.set_nodelay(true);
        (Visit { stream, end: Box::pin(sleep(self.time)), _turn: turn }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends in time.
struct Visit {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Visit {
    /// Does `act` on the stream while there is time.
    fn in_time<T>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        act: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => act(Pin::new(&mut self.stream), context),
        }
    }
}

impl AsyncRead for Visit {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.in_time(context, |stream, context| stream.poll_read(context, to))
    }
}

impl AsyncWrite for Visit {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.in_time(context, |stream, context| stream.poll_write(context, from))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context, |stream, context| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.in_time(context, |stream, context| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Long enough for a loaded machine; a test that succeeds does not wait for it.
    const PATIENCE: Duration = Duration::from_secs(30);

    struct Site {
        trouble: Vec<String>,
    }

    impl Status for Site {
        fn metrics(&self) -> String {
            assert!(self.trouble.is_empty(), "a mistake in the metrics");
            "ballast_up 1\n".into()
        }
        fn health(&self) -> Health {
            Health::Good
        }
        fn ready(&self) -> Health {
            if self.trouble.is_empty() { Health::Good } else { Health::Bad(self.trouble.clone()) }
        }
    }

    /// Runs a test against a server with these limits.
    fn with_server<F: Future<Output = ()>>(
        trouble: &[&str],
        connections: usize,
        time: Duration,
        test: impl FnOnce(SocketAddr) -> F,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let trouble = trouble.iter().map(|text| (*text).to_owned()).collect();
            let serving = serve_within(Door::new(listener, connections, time), Arc::new(Site { trouble }));
            tokio::select! {
                () = serving => panic!("the server ended"),
                () = sleep(PATIENCE) => panic!("no answer"),
                () = test(address) => {}
            }
        });
    }

    /// Asks and reads until the server closes the connection.
    async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let question = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(question.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[test]
    fn answers_what_it_is_asked_and_closes() {
        with_server(&[], 4, CONNECTION_MAX, async |address| {
            let metrics = ask(address, "GET", "/metrics").await;
            assert!(
                metrics.starts_with("HTTP/1.1 200 OK\r\n") && metrics.ends_with("\r\n\r\nballast_up 1\n")
            );
            assert!(
                metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                "{metrics}"
            );
            assert!(ask(address, "GET", "/healthz").await.ends_with("\r\n\r\nok\n"));
            assert!(ask(address, "GET", "/readyz").await.starts_with("HTTP/1.1 200 "));
            assert!(ask(address, "GET", "/").await.contains("/metrics"));
            assert!(ask(address, "GET", "/nothing").await.starts_with("HTTP/1.1 404 "));
            assert!(ask(address, "POST", "/metrics").await.starts_with("HTTP/1.1 405 "));
            assert!(ask(address, "bad question", "").await.starts_with("HTTP/1.1 400 "));
        });
    }

    #[test]
    fn says_why_it_is_not_ready() {
        with_server(
            &["the guard does not answer", "no plan:\nsite.yaml"],
            4,
            CONNECTION_MAX,
            async |address| {
                let answer = ask(address, "GET", "/readyz").await;
                assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
                assert!(
                    answer.ends_with("\r\n\r\nthe guard does not answer\nno plan: site.yaml\n"),
                    "{answer}"
                );
                assert!(ask(address, "GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
            },
        );
    }

    #[test]
    fn a_mistake_in_the_metrics_is_an_answer_too() {
        with_server(&["trouble"], 4, CONNECTION_MAX, async |address| {
            assert!(ask(address, "GET", "/metrics").await.starts_with("HTTP/1.1 500 "));
            assert!(ask(address, "GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
        });
    }

    #[test]
    fn a_connection_that_says_nothing_ends_and_makes_room() {
        with_server(&[], 1, Duration::from_millis(500), async |address| {
            let mut silent = TcpStream::connect(address).await.unwrap();
            let mut slow = TcpStream::connect(address).await.unwrap();
            slow.write_all(b"GET /metrics HT").await.unwrap();
            // There is one place, so this answer shows that both are gone.
            assert!(ask(address, "GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
            // The other end closed them without an answer of success.
            for stream in [&mut silent, &mut slow] {
                let mut said = Vec::new();
                let _ = stream.read_to_end(&mut said).await;
                assert!(!String::from_utf8_lossy(&said).contains(" 200 "));
            }
        });
    }
}
