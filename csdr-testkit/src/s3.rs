//! An S3 server in this process: real requests over loopback, objects in memory, faults on demand.

mod fault;
mod http;
mod object;
mod store;

pub use fault::{RequestFilter, S3Failure, S3Fault};
pub use http::LoggedRequest;

use fault::Faults;
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, mpsc},
    thread,
};
use store::Store;
use tokio::{net::TcpListener, runtime, sync::oneshot, task::JoinHandle};

/// How the server behaves, and who may use it.
#[derive(Clone, Debug)]
pub struct S3Options {
    /// The one bucket. `bucket` by default.
    pub bucket: String,
    /// The access key's id that signs. `AKIDCSDRTEST` by default.
    pub access_key_id: String,
    /// The access key.
    pub secret_access_key: String,
    /// If set, every request must carry this session token; else it must carry none.
    pub session_token: Option<String>,
    /// If set, `bucket.<domain>` is taken for a host, too (virtual-host style).
    pub domain: Option<String>,
    /// Most keys of a page of a list. 1,000 by default, as S3.
    pub page_keys: usize,
    /// What `If-None-Match: *` does.
    pub conditional: Conditional,
    /// Most bytes of all objects together; more is `QuotaExceeded`. 8 GiB by default.
    pub capacity_bytes: u64,
}

/// What `If-None-Match: *` of a write does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conditional {
    /// 412 if the key is taken, atomically.
    #[default]
    Honoured,
    /// 501, as stores answer that do not have it.
    NotImplemented,
    /// Nothing, as older stores do: the write replaces.
    Ignored,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            bucket: "bucket".to_owned(),
            access_key_id: "AKIDCSDRTEST".to_owned(),
            secret_access_key: "csdr-test-only".to_owned(),
            session_token: None,
            domain: None,
            page_keys: 1000,
            conditional: Conditional::default(),
            capacity_bytes: 8 << 30,
        }
    }
}

/// A running server. It stops when this value is dropped.
///
/// Signatures (SigV4) are checked by [s3s](https://docs.rs/s3s). Bodies are kept in the chunks in which they came and sent as they
/// are: nothing is copied.
///
/// ```
/// use csdr_testkit::s3::{RequestFilter, S3Failure, S3Fault, S3Options, S3Server};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = S3Server::start(S3Options::default()).await?;
/// assert!(server.endpoint().starts_with("http://127.0.0.1:"));
///
/// // The next PUT takes effect, but its answer never arrives.
/// server.inject(S3Fault::next(S3Failure::LoseAnswer).on(RequestFilter::method("PUT")));
/// assert_eq!(server.requests().len(), 0);
/// # Ok(())
/// # }
/// ```
pub struct S3Server {
    address: SocketAddr,
    options: S3Options,
    store: Store,
    faults: Arc<Faults>,
    running: Running,
}

/// What ends with the server.
enum Running {
    Task(JoinHandle<()>),
    Thread {
        stop: Option<oneshot::Sender<()>>,
        thread: Option<thread::JoinHandle<()>>,
    },
}

impl S3Server {
    /// Starts a server on the caller's runtime.
    ///
    /// # Errors
    /// If no port of 127.0.0.1 can be opened, or the options' domain is no host name.
    pub async fn start(options: S3Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (store, faults) = (Store::new(&options), Arc::new(Faults::default()));
        let service = http::Service::new(&options, store.clone(), faults.clone())?;
        let task = tokio::spawn(http::serve(listener, service));
        Ok(Self {
            address,
            options,
            store,
            faults,
            running: Running::Task(task),
        })
    }

    /// Starts a server on a thread and a runtime of its own, for programs that have none or that measure theirs.
    ///
    /// # Errors
    /// As [`start`](Self::start), or if no thread can be made.
    pub fn start_thread(options: S3Options) -> io::Result<Self> {
        let (started, start) = mpsc::sync_channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("csdr-testkit-s3".to_owned())
            .spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => {
                        let _ = started.send(Err(error));
                        return;
                    }
                };
                runtime.block_on(async {
                    // The parts go to the starter; this server's task ends with the runtime.
                    let _ = started.send(Self::start(options).await);
                    let _ = stopped.await;
                });
            })?;
        let mut server = start
            .recv()
            .map_err(|_| io::Error::other("the server's thread ended"))??;
        server.running = Running::Thread {
            stop: Some(stop),
            thread: Some(thread),
        };
        Ok(server)
    }

    /// `http://127.0.0.1:<port>`, for path style.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `http://<domain>:<port>`, for virtual-host style; the client must resolve `<bucket>.<domain>` to [`address`](Self::address).
    pub fn virtual_endpoint(&self) -> Option<String> {
        let domain = self.options.domain.as_ref()?;
        Some(format!("http://{domain}:{}", self.address.port()))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was started with: bucket and credentials.
    pub fn options(&self) -> &S3Options {
        &self.options
    }

    /// Lets coming requests fail.
    pub fn inject(&self, fault: S3Fault) {
        self.faults.inject(fault);
    }

    /// Forgets all faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// Every request so far, in the order of arrival, also those that failed.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.faults.requests()
    }

    /// How many requests have arrived.
    pub fn request_count(&self) -> usize {
        self.faults.request_count()
    }

    /// The keys of all objects, in order.
    pub fn keys(&self) -> Vec<String> {
        self.store.keys()
    }

    /// The bytes of an object.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.store.object(key)
    }

    /// Puts, replaces or (with `None`) removes an object behind the clients' backs.
    pub fn set_object(&self, key: &str, body: Option<&[u8]>) {
        self.store.set_object(key, body);
    }

    /// How many multipart uploads are neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        self.store.open_uploads()
    }
}

impl fmt::Debug for S3Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Server")
            .field("address", &self.address)
            .field("bucket", &self.options.bucket)
            .finish_non_exhaustive()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        match &mut self.running {
            // The connections belong to the task and end with it.
            Running::Task(task) => task.abort(),
            Running::Thread { stop, thread } => {
                drop(stop.take());
                if let Some(thread) = thread.take() {
                    let _ = thread.join();
                }
            }
        }
    }
}
