//! The connection: made when it is first needed, thrown away when it fails, and never waited for without end.

use crate::{
    InvalidUrl, RedisUrl,
    url::{Deployment, Login},
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, TlsCertificates, TlsMode, Value,
    aio::MultiplexedConnection,
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType},
};
use std::{fmt, fs, time::Duration};
use tokio::{sync::Mutex, time::timeout};

/// How long connecting may take, finding out whom to connect to included.
const CONNECTING: Duration = Duration::from_millis(1500);

/// How long one command may take.
const ANSWERING: Duration = Duration::from_secs(1);

/// How often a command is sent: a second time after the first went down a connection that was dead already, or to a
/// master that is none any more.
const ATTEMPTS: u32 = 2;

/// A Redis, however many servers it is made of.
pub(crate) struct Server {
    way: Way,
    /// The connection in use, and how many there were before it.
    connection: Mutex<(u64, Option<Connection>)>,
}

/// How to get connected.
enum Way {
    Direct(Client),
    /// Sentinels are asked who the master is; one at a time, since their client remembers connections.
    Sentinel(Mutex<SentinelClient>),
    Cluster(ClusterClient),
}

#[derive(Clone)]
enum Connection {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Server {
    /// Reads the authority's file, if one is named, and makes ready; connects nothing.
    pub(crate) fn at(url: &RedisUrl) -> Result<Self, InvalidUrl> {
        let authority = url.authority.as_ref().map(fs::read).transpose();
        let authority =
            authority.map_err(|error| InvalidUrl(format!("the file of ca cannot be read: {error}")))?;
        let certificates = url.tls.then_some(TlsCertificates {
            client_tls: None,
            root_cert: authority,
        });
        let way = Way::to(url, certificates);
        Ok(Self {
            way: way
                .map_err(|error| InvalidUrl(format!("Redis cannot be addressed so: {}", error.category())))?,
            connection: Mutex::default(),
        })
    }

    /// Sends one command, which must bear being sent twice.
    pub(crate) async fn ask(&self, command: &Cmd) -> Result<Value, RedisError> {
        let mut attempt = 1;
        loop {
            let (number, connection) = self.connection().await?;
            match in_time(ANSWERING, connection.send(command)).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.forget(number).await;
                    if attempt == ATTEMPTS {
                        return Err(error);
                    }
                    attempt += 1;
                }
            }
        }
    }

    async fn connection(&self) -> Result<(u64, Connection), RedisError> {
        let mut held = self.connection.lock().await;
        if let Some(connection) = &held.1 {
            return Ok((held.0, connection.clone()));
        }
        let connection = in_time(CONNECTING, self.way.connect()).await?;
        *held = (held.0 + 1, Some(connection.clone()));
        Ok((held.0, connection))
    }

    /// Throws a connection away, unless somebody has made a new one already.
    async fn forget(&self, number: u64) {
        let mut held = self.connection.lock().await;
        if held.0 == number {
            held.1 = None;
        }
    }
}

impl Way {
    fn to(url: &RedisUrl, certificates: Option<TlsCertificates>) -> Result<Self, RedisError> {
        let address = |(host, port): &(String, u16)| {
            if url.tls {
                ConnectionAddr::TcpTls {
                    host: host.clone(),
                    port: *port,
                    insecure: false,
                    tls_params: None,
                }
            } else {
                ConnectionAddr::Tcp(host.clone(), *port)
            }
        };
        let mut addresses = url.hosts.iter().map(address);
        match &url.deployment {
            Deployment::Single { database } => {
                let address = addresses
                    .next()
                    .ok_or_else(|| RedisError::from((ErrorKind::InvalidClientConfig, "no host")))?;
                let settings = url.login.settings().set_db(*database);
                let server = address.into_connection_info()?.set_redis_settings(settings);
                Ok(Self::Direct(match certificates {
                    Some(certificates) => Client::build_with_tls(server, certificates)?,
                    None => Client::open(server)?,
                }))
            }
            Deployment::Socket { path, database } => {
                let settings = url.login.settings().set_db(*database);
                let server = ConnectionAddr::Unix(path.clone()).into_connection_info()?;
                Ok(Self::Direct(Client::open(server.set_redis_settings(settings))?))
            }
            Deployment::Sentinel {
                master,
                database,
                login,
            } => {
                let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
                    .set_client_to_redis_db(*database);
                if let Some(username) = &url.login.username {
                    builder = builder.set_client_to_redis_username(username);
                }
                if let Some(password) = &url.login.password {
                    builder = builder.set_client_to_redis_password(password);
                }
                if let Some(username) = &login.username {
                    builder = builder.set_client_to_sentinel_username(username);
                }
                if let Some(password) = &login.password {
                    builder = builder.set_client_to_sentinel_password(password);
                }
                if let Some(certificates) = certificates {
                    builder = builder
                        .set_client_to_redis_tls_mode(TlsMode::Secure)
                        .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                        .set_client_to_redis_certificates(certificates.clone())
                        .set_client_to_sentinel_certificates(certificates);
                }
                Ok(Self::Sentinel(Mutex::new(builder.build()?)))
            }
            Deployment::Cluster => {
                let nodes: Result<Vec<_>, RedisError> = addresses
                    .map(|address| {
                        Ok(address
                            .into_connection_info()?
                            .set_redis_settings(url.login.settings()))
                    })
                    .collect();
                let mut builder = ClusterClientBuilder::new(nodes?)
                    .connection_timeout(ANSWERING)
                    .response_timeout(ANSWERING)
                    .retries(2);
                if let Some(certificates) = certificates {
                    builder = builder.tls(TlsMode::Secure).certs(certificates);
                }
                Ok(Self::Cluster(builder.build()?))
            }
        }
    }

    async fn connect(&self) -> Result<Connection, RedisError> {
        let client = match self {
            Self::Direct(client) => client.clone(),
            Self::Sentinel(sentinels) => sentinels.lock().await.async_get_client().await?,
            Self::Cluster(client) => return client.get_async_connection().await.map(Connection::Cluster),
        };
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWERING))
            .set_response_timeout(Some(ANSWERING));
        let connection = client
            .get_multiplexed_async_connection_with_config(&settings)
            .await?;
        Ok(Connection::One(connection))
    }
}

impl Connection {
    async fn send(self, command: &Cmd) -> Result<Value, RedisError> {
        match self {
            Self::One(mut connection) => command.query_async(&mut connection).await,
            Self::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }
}

impl Login {
    fn settings(&self) -> RedisConnectionInfo {
        let mut settings = RedisConnectionInfo::default();
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password);
        }
        settings
    }
}

async fn in_time<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, RedisError> {
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(RedisError::from((ErrorKind::Io, "no answer in time"))),
    }
}

/// The library's own form would print the credentials.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match &self.way {
            Way::Direct(_) => "one server",
            Way::Sentinel(_) => "servers watched by sentinels",
            Way::Cluster(_) => "a cluster",
        };
        f.debug_struct("Server")
            .field("way", &way)
            .finish_non_exhaustive()
    }
}
