//! `casbah serve`: the API over a folder, on this machine only, while the pipeline works in it as `run` does.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::Listener;
use bytes::Bytes;
use casbah_api::{BODY_BYTES_MAX, Caller, Code, Problem};
use casbah_model::SignedDuration;
use casbah_model::ports::Rng;
use casbah_model::record::hex;
use casbah_model::secret::Secret;
use casbah_platform_local::{LocalSystem, SystemRng, Until};
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::cli::ServeArgs;
use crate::detector_files::look_inside;
use crate::exit::{Exit, Failure};
use crate::folder::{keep_policy, refuse_demo};
use crate::output::{print, say};
use crate::run::{outside, secrets, take_in};
use crate::simulate::listen;
use crate::{config, runtime};

/// Where the token is kept, beside the data that it opens.
const TOKEN_FILE: &str = "api-token";
/// Characters of a token: 32 random bytes as hexadecimal digits.
const TOKEN_CHARS: usize = 64;
/// Rights of the group and of others, none of which may be there.
const FOREIGN_RIGHTS: u32 = 0o077;
/// A browser opens six connections to a host, a program a few more; what comes beyond waits.
const CONNECTIONS_MAX: usize = 64;
/// How long answers may take that were begun before the end.
const STOP_GRACE: SignedDuration = SignedDuration::from_secs(5);
/// Who starts it again has done so after this.
const END_S: u64 = 10;

pub fn serve(args: &ServeArgs) -> Result<Exit, Failure> {
    let configured = match &args.config {
        Some(path) => Some(config::read(path)?),
        None => None,
    };
    let (configured, policy) = configured
        .map(|config| (config.connections, config.policy))
        .unzip();
    let configured = configured.unwrap_or_default();
    let secrets = secrets(&configured)?;
    refuse_demo(&args.out)?;
    let runtime = runtime::real()?;
    let _inside = runtime.enter();
    let stop = runtime::stop()?.shared();
    let mut system = LocalSystem::open(&args.out, outside(args.events)?)?;
    if let Some(policy) = policy {
        keep_policy(&mut system, &args.out, &policy)?;
    }
    look_inside(&mut system, &args.out, &args.inside)?;
    let system = Arc::new(system);
    let token = Token::of(&args.out)?;
    runtime.block_on(async {
        // A file that is not named changes nothing: connections are made and ended through the API.
        if args.config.is_some() {
            take_in(&system.ctx, &configured, &secrets).await?;
        }
        let (listener, address) = listen(args.port).await?;
        let port = address.rsplit(':').next().unwrap_or_default().to_string();
        print(&format!("curl -H {} {address}/v1/connections", token.header()))?;
        say(format_args!(
            "casbah: the API answers at {address} until Ctrl-C; it is described at {address}/v1/openapi.yaml"
        ));
        let (desk, calls) = mpsc::channel(CONNECTIONS_MAX);
        let door = Arc::new(Door {
            desk,
            token: token.secret,
            hosts: ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}")),
        });
        let router = Router::new().fallback(answer).with_state(door);
        let bounded = Bounded {
            listener,
            free: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        };
        let served = axum::serve(bounded, router).with_graceful_shutdown(stop.clone());
        let served = pin!(served.into_future());
        let answering = pin!(answer_all(&system, calls));
        // The answering ends with the door, which the server holds.
        let served = select(served, answering).map(|first| match first {
            Either::Left((served, _)) => served,
            Either::Right(((), _)) => Ok(()),
        });
        work(&system, served, stop).await
    })
}

/// Serves and works until asked to end; either of them that fails ends both.
async fn work(
    system: &LocalSystem,
    served: impl Future<Output = std::io::Result<()>>,
    stop: impl Future<Output = ()>,
) -> Result<Exit, Failure> {
    let (served, working) = (pin!(served), pin!(system.run(Until::Stopped, stop)));
    match select(served, working).await {
        Either::Left((Err(error), _)) => return Err(Failure::new(Exit::Other, error.to_string())),
        Either::Left((Ok(()), working)) => {
            working.await?;
        }
        Either::Right((worked, served)) => {
            worked?;
            select(served, pin!(system.ctx.sleep(STOP_GRACE))).await;
        }
    }
    say("casbah: stopped; the next run goes on from here");
    Ok(Exit::Interrupted)
}

/// A request with the place where its answer is waited for.
type Waiting = (http::Request<Bytes>, oneshot::Sender<http::Response<Bytes>>);

/// Answers requests side by side, on the one thread that also does the work.
///
/// There are no more of them than connections, because each of those waits for its answer.
async fn answer_all(system: &LocalSystem, mut calls: mpsc::Receiver<Waiting>) {
    let mut at_work = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some((request, asked)) = calls.recv() => at_work.push(async move {
                let is_change = request.method() != http::Method::GET;
                let response = casbah_api::answer(&system.ctx, request).await;
                if is_change {
                    // What was made due is seen at once and not with the next sweep.
                    system.wake();
                }
                // Who has gone away meanwhile misses nothing but the answer.
                let _ = asked.send(response);
            }),
            Some(()) = at_work.next() => {}
            else => return,
        }
    }
}

/// What stands between the network and the API.
struct Door {
    /// Where requests are answered.
    desk: mpsc::Sender<Waiting>,
    token: Secret,
    /// What a request may call this host. A page in a browser can be led here under a name of its own, whose address
    /// was changed to ours meanwhile; it cannot change the name in its requests.
    hosts: [String; 2],
}

async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    let request_id = format!("{:016x}", SystemRng.next_u64());
    let answered = door.answer(request, request_id.clone()).await;
    let response = answered.unwrap_or_else(|problem| casbah_api::refuse(problem, &request_id));
    response.map(Body::from)
}

impl Door {
    async fn answer(
        &self,
        request: Request,
        request_id: String,
    ) -> Result<http::Response<Bytes>, Problem> {
        let (mut parts, body) = request.into_parts();
        self.admit(&parts)?;
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
            let detail = format!("the body has more than {BODY_BYTES_MAX} bytes, or broke off");
            Problem::new(Code::BodyTooLarge, detail)
        })?;
        parts.extensions.insert(Caller {
            principal: "owner".into(),
            request_id,
        });
        let (asked, answered) = oneshot::channel();
        let ending = |_| Problem::new(Code::Unavailable, "casbah is ending").with_retry(END_S);
        let request = Request::from_parts(parts, body);
        self.desk
            .send((request, asked))
            .await
            .map_err(|_| ending(()))?;
        answered.await.map_err(|_| ending(()))
    }

    /// Checks the name of the host first, so that who guesses tokens through a browser learns nothing.
    fn admit(&self, request: &http::request::Parts) -> Result<(), Problem> {
        let named = request
            .headers
            .get("host")
            .and_then(|host| host.to_str().ok());
        let in_target = request.uri.authority().map(|authority| authority.as_str());
        let is_ours = |name: &str| {
            self.hosts
                .iter()
                .any(|host| host.eq_ignore_ascii_case(name))
        };
        if !named.is_some_and(is_ours) || !in_target.is_none_or(is_ours) {
            let detail = format!("this is {}", self.hosts.join(" or "));
            return Err(Problem::new(Code::WrongHost, detail));
        }
        let mut sent = request.headers.get_all("authorization").iter();
        let token = sent.next().and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.split_once(' '));
        let is_known = token.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && is_same(token.trim(), self.token.reveal())
        });
        match is_known && sent.next().is_none() {
            true => Ok(()),
            false => {
                let detail = "send the token in the file api-token as Authorization: Bearer …";
                Err(Problem::new(Code::Unauthorized, detail))
            }
        }
    }
}

/// Compares in a time that does not tell where two texts differ.
fn is_same(left: &str, right: &str) -> bool {
    let bytes = left.bytes().zip(right.bytes());
    let differences = bytes.fold(0, |all, (left, right)| all | (left ^ right));
    left.len() == right.len() && std::hint::black_box(differences) == 0
}

/// The secret that opens the API, and whether this process made it.
struct Token {
    secret: Secret,
    path: PathBuf,
    is_new: bool,
}

impl Token {
    /// Reads the token of a folder, or makes one.
    fn of(folder: &Path) -> Result<Token, Failure> {
        let path = folder.join(TOKEN_FILE);
        let unusable = |error: std::io::Error| {
            let what = format!("cannot use {}: {error}", path.display());
            Failure::new(Exit::Environment, what)
        };
        let secret = Secret::new(hex(&SystemRng.unguessable()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let is_new = match options.open(&path) {
            Ok(mut file) => {
                let line = Secret::new(format!("{}\n", secret.reveal()));
                file.write_all(line.reveal().as_bytes()).map_err(unusable)?;
                true
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(unusable(error)),
        };
        let secret = if is_new { secret } else { known(&path)? };
        Ok(Token {
            secret,
            path,
            is_new,
        })
    }

    /// The header as a shell takes it. A token is shown when it is new; later its file is named instead.
    fn header(&self) -> String {
        match self.is_new {
            true => format!("'Authorization: Bearer {}'", self.secret.reveal()),
            false => {
                let path = self.path.display().to_string().replace('\'', r"'\''");
                format!("\"Authorization: Bearer $(cat '{path}')\"")
            }
        }
    }
}

/// Reads the token that an earlier process left, if nobody else could have read or written it.
fn known(path: &Path) -> Result<Secret, Failure> {
    let unusable = |what: String| {
        let fix = format!("remove it for a new one: rm '{}'", path.display());
        Failure::new(Exit::Environment, what).with_fix(fix)
    };
    let failed =
        |error: std::io::Error| unusable(format!("cannot read {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    // Asked of the open file, so that it cannot be exchanged in between.
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & FOREIGN_RIGHTS != 0 {
        let what = format!("others on this machine can read {}", path.display());
        return Err(unusable(what));
    }
    let mut text = String::with_capacity(TOKEN_CHARS * 2);
    let mut bounded = file.take(TOKEN_CHARS as u64 * 2);
    bounded.read_to_string(&mut text).map_err(failed)?;
    let token = Secret::new(text.trim());
    let is_token = token.reveal().len() == TOKEN_CHARS
        && token.reveal().bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_token {
        true => Ok(token),
        false => Err(unusable(format!("{} holds no token", path.display()))),
    }
}

/// A listener that has only so many connections open at once.
struct Bounded {
    listener: TcpListener,
    free: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Held;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Held, Self::Addr) {
        let place = Arc::clone(&self.free).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let held = Held {
            stream,
            _place: place,
        };
        (held, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection that gives its place back when it ends.
struct Held {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(task, into)
    }
}

impl AsyncWrite for Held {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}
