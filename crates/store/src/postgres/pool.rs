//! A few connections, made when needed, and statements that survive the loss of one.

use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row};

use super::error::Failure;
use super::tls::Tls;
use super::{OpenError, Protection, Settings};
use crate::StoreError;

/// Pauses before each repetition: three seconds together, in which a server restarts or another takes over.
pub(super) const PAUSES: [Duration; 4] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(750),
    Duration::from_millis(2000),
];
/// How long a caller waits for a connection while others use them all.
const BUSY: Duration = Duration::from_secs(5);
/// What the network may add to the time that the server gives a statement.
const GRACE: Duration = Duration::from_secs(3);

/// Parameters of a statement with their types, so that it needs one round trip.
pub(super) type Params<'a> = [(&'a (dyn ToSql + Sync), Type)];

/// What a repetition would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Nothing that the first did not.
    Freely,
    /// Perhaps the same once more: only if the first certainly did not happen.
    IfCertain,
}

/// Connections that wait for work, and how to make more.
pub(super) struct Pool {
    config: Config,
    tls: Option<Tls>,
    connect_timeout: Duration,
    answer_timeout: Duration,
    permits: Semaphore,
    idle: Mutex<Vec<Client>>,
}

impl Pool {
    pub(super) fn new(settings: &Settings) -> Result<Self, OpenError> {
        let tls = Tls::new(settings).map_err(OpenError::Settings)?;
        let mut config = Config::new();
        for (host, port) in &settings.hosts {
            config.host(host).port(*port);
        }
        let milliseconds = settings.statement_timeout.as_millis();
        config
            .user(&settings.user)
            .dbname(&settings.database)
            .application_name(&settings.application_name)
            .connect_timeout(settings.connect_timeout)
            .keepalives_idle(Duration::from_secs(30))
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .ssl_mode(if settings.protection == Protection::Plain { SslMode::Disable } else { SslMode::Require })
            // A node that dies within a transaction must not keep the others from writing.
            .options(format!(
                "-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} -c search_path=pg_catalog"
            ));
        if !settings.password.is_empty() {
            config.password(settings.password.expose());
        }
        Ok(Self {
            config,
            tls,
            connect_timeout: settings.connect_timeout,
            answer_timeout: settings.statement_timeout.saturating_add(GRACE),
            permits: Semaphore::new(settings.connections),
            idle: Mutex::default(),
        })
    }

    /// A new connection. `on_notice` gets the text of each notification.
    pub(super) async fn connect(&self, on_notice: impl Fn(&str) + Send + 'static) -> Result<Client, Failure> {
        let failed = |error| Failure::connecting(&error);
        let connecting = async {
            match &self.tls {
                None => {
                    let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                    tokio::spawn(drive(connection, on_notice));
                    Ok(client)
                }
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await.map_err(failed)?;
                    tokio::spawn(drive(connection, on_notice));
                    Ok(client)
                }
            }
        };
        // Every address may use up the time for one; the sign-in that follows has no limit of its own.
        timeout(self.connect_timeout.saturating_mul(2), connecting)
            .await
            .unwrap_or_else(|_| Err(Failure::before("the server does not answer")))
    }

    /// A connection for one caller.
    pub(super) async fn lease(&self) -> Result<Lease<'_>, Failure> {
        let permit = match timeout(BUSY, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            _ => {
                return Err(Failure::before(
                    "all connections are busy; see Maximum Pool Size of the connection string",
                ));
            }
        };
        while let Some(client) = self.take_idle() {
            if !client.is_closed() {
                return Ok(Lease { client, pool: self, _permit: permit });
            }
        }
        let client = self.connect(|_| ()).await?;
        Ok(Lease { client, pool: self, _permit: permit })
    }

    fn take_idle(&self) -> Option<Client> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Bounds the wait for an answer of a server that is gone without a word.
    pub(super) async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        match timeout(self.answer_timeout, answer).await {
            Ok(answer) => answer.map_err(|error| Failure::of(&error)),
            Err(_) => Err(Failure::silence()),
        }
    }

    /// Runs one statement, which is a transaction by itself, and gives its rows.
    pub(super) async fn query(
        &self,
        operation: &'static str,
        repeat: Repeat,
        sql: &str,
        params: &Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match self.query_once(sql, params).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
            let may_repeat = failure.brief && (failure.certain || repeat == Repeat::Freely);
            match pauses.next().filter(|_| may_repeat) {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    // What only reads has no outcome to be unsure of.
                    let certain = failure.certain || repeat == Repeat::Freely;
                    return Err(Failure { certain, ..failure }.into_error(operation));
                }
            }
        }
    }

    async fn query_once(&self, sql: &str, params: &Params<'_>) -> Result<Vec<Row>, Failure> {
        let lease = self.lease().await?;
        let rows = self.answer(lease.client.query_typed(sql, params)).await;
        if rows.as_ref().is_ok() {
            lease.give_back();
        }
        rows
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // `Config` hides the password.
        f.debug_struct("Pool").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A connection in one caller's hands. Unless it is given back it is closed: a caller that went away in the middle
/// of something leaves no half of it to the next.
pub(super) struct Lease<'a> {
    pub(super) client: Client,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Lease<'_> {
    pub(super) fn give_back(self) {
        self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.client);
    }
}

/// Moves the octets of a connection until its client is dropped or the server is gone.
async fn drive<S, T>(mut connection: Connection<S, T>, on_notice: impl Fn(&str))
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(notification))) => on_notice(notification.payload()),
            Some(Ok(_)) => {}
            // Whoever waits for an answer learns it by its absence.
            Some(Err(_)) | None => return,
        }
    }
}
