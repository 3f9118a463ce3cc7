//! Where nodes are answered: names of their own at the port of the service, which no browser asks for.
//!
//! A connection under [`MEMBER_SERVER_NAME`] has a certificate of the farm's authority, or there is none. One under
//! [`JOIN_SERVER_NAME`] is anybody's, and has one message.

use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use configuration::SyncRole;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use keys::node_identity::{
    FarmMember, JOIN_SERVER_NAME, JoinToken, JoinTokenError, JoinTokenRecord, MEMBER_SERVER_NAME,
    NodeIdentity, RemovedNodes, join_server, node_server,
};
use net::{ClientCertificates, Handler, Issuers, RequestBody, RequestContext, ReservedName};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::sync::{PullRequest, Role, Term};
use store::{Configuration, Kind, Operation};

use super::messages::{
    JOIN, JoinAnswer, JoinRequest, MASTER_KEY, PULL, Refused, TERM, Transfer, WATCH, Watch, Watched,
};
use super::{Farm, Result, identity};
use crate::node::listeners::HTTPS;

/// Octets of a question.
const LARGEST: usize = 64 * 1024;
/// A secondary that watches is answered after this time at the latest.
const PATIENCE: Duration = Duration::from_secs(25);
/// A page is made within this time, or the secondary asks again.
const PAGE: Duration = Duration::from_secs(20);

/// Under which objects of [`Kind::FarmKey`] join tokens are kept.
pub(super) fn token_id(id: &str) -> String {
    format!("join-token.{id}")
}

/// The names and what they ask of those who come.
pub(super) fn names(
    identity: &NodeIdentity,
    removed: &Arc<RemovedNodes>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<ReservedName>> {
    let http = |mut config: rustls::ServerConfig| {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    };
    let members = ReservedName {
        name: MEMBER_SERVER_NAME.to_owned(),
        config: http(node_server(identity, removed.clone(), clock.clone())?),
        client_certificates: asked(identity),
    };
    let newcomers = ReservedName {
        name: JOIN_SERVER_NAME.to_owned(),
        config: http(join_server(identity, clock.clone())?),
        client_certificates: ClientCertificates::None,
    };
    Ok(vec![members, newcomers])
}

/// How a request knows a connection of members.
fn asked(identity: &NodeIdentity) -> ClientCertificates {
    ClientCertificates::Required(Issuers::Trusted(vec![identity.authority().clone()]))
}

/// The routes of the service, and those of nodes before them.
#[derive(Clone)]
pub(crate) struct NodeRoutes {
    /// The service.
    pub(crate) service: server::Routes,
    /// The node's part in a farm whose nodes speak with each other.
    pub(crate) farm: Option<Arc<Farm>>,
}

/// Who asks.
enum Caller {
    Member(FarmMember),
    Newcomer,
}

impl Handler for NodeRoutes {
    type Body = Full<Bytes>;

    async fn handle(&self, context: RequestContext, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        let caller = self.farm.as_ref().and_then(|farm| Some((farm, farm.caller(&context)?)));
        match caller {
            Some((farm, caller)) => farm.answer(caller, request).await,
            None => self.service.handle(context, request).await,
        }
    }
}

impl Farm {
    /// Whether a node asks. What counts is how the handshake was made, never what the request says.
    fn caller(&self, context: &RequestContext) -> Option<Caller> {
        let tls = context.connection.tls.as_ref().filter(|_| &*context.connection.listener == HTTPS)?;
        match tls.sni.as_deref()? {
            MEMBER_SERVER_NAME if *tls.client_certificates == asked(&self.identity) => {
                let member = FarmMember::of(tls.client_chain.first()?)?;
                // A connection that was open when its node was removed ends here.
                (!self.removed.contains(member.node)).then_some(Caller::Member(member))
            }
            JOIN_SERVER_NAME => Some(Caller::Newcomer),
            _ => None,
        }
    }

    async fn answer(&self, caller: Caller, request: Request<RequestBody>) -> Response<Full<Bytes>> {
        if *request.method() != Method::POST {
            return refused(StatusCode::METHOD_NOT_ALLOWED, "nodes are answered to POST");
        }
        let path = request.uri().path().to_owned();
        let body = match net::read_body(request, LARGEST).await {
            Ok(body) => body,
            Err(error) => return refused(error.status(), "the message cannot be read"),
        };
        let answered = match (caller, path.as_str()) {
            (Caller::Newcomer, JOIN) => self.let_in(&body).await,
            (Caller::Member(member), path) => {
                self.note_heard(&member.name);
                match path {
                    PULL => self.page(&body).await,
                    WATCH => self.watched(&body).await,
                    TERM => self.terms(&body).await,
                    MASTER_KEY => ok(&Transfer { master_key: self.transfer.expose().to_owned() }),
                    _ => return refused(StatusCode::NOT_FOUND, "there is nothing at this address"),
                }
            }
            _ => return refused(StatusCode::NOT_FOUND, "there is nothing at this address"),
        };
        answered.unwrap_or_else(|error| refused(StatusCode::CONFLICT, &error.to_string()))
    }

    /// The entries that follow. Few pages are made at once; who waits too long asks again.
    async fn page(&self, body: &[u8]) -> Result<Response<Full<Bytes>>> {
        let request: PullRequest = read(body)?;
        let place = tokio::time::timeout(PAGE, self.pages.acquire()).await;
        let _place = place.map_err(|_| "too many nodes copy the configuration at once; ask again")??;
        let answer = self.store.answer(request).await?;
        if self.refresh().await? {
            self.publish().await?;
        }
        ok(&answer)
    }

    /// Holds the answer until there is news.
    async fn watched(&self, body: &[u8]) -> Result<Response<Full<Bytes>>> {
        let watch: Watch = read(body)?;
        self.hear(&watch.term).await?;
        let mut commits = self.store.commits();
        let news = async {
            loop {
                commits.borrow_and_update();
                let (term, serial) = (self.store.standing().await?.term, self.serial().await?);
                if serial != watch.serial || term != watch.term {
                    return Result::Ok(());
                }
                commits.changed().await?;
            }
        };
        if let Ok(ended) = tokio::time::timeout(PATIENCE, news).await {
            ended?;
        }
        ok(&Watched { term: self.store.standing().await?.term, serial: self.serial().await? })
    }

    /// Both sides know the greater term from now on.
    async fn terms(&self, body: &[u8]) -> Result<Response<Full<Bytes>>> {
        self.hear(&read::<Term>(body)?).await?;
        ok(&self.store.standing().await?.term)
    }

    /// A token is used up and its bearer entered, in one step; then he gets his certificate.
    async fn let_in(&self, body: &[u8]) -> Result<Response<Full<Bytes>>> {
        let request: JoinRequest = read(body)?;
        let token = JoinToken::parse(&Secret::new(request.token))?;
        let standing = self.standing();
        if standing.role != Role::PrimaryComputer {
            let primary = standing.follows;
            return Err(format!("this is a secondary server; join at the primary server, {primary}").into());
        }
        let id = token_id(&token.id());
        let stored = self.store.get(Kind::FarmKey, &id).await?.ok_or(JoinTokenError::Unknown)?;
        let record: JoinTokenRecord = serde_json::from_value(stored.body)?;
        let now = self.now();
        record.verify(&token, self.authority.fingerprint(), now)?;
        if request.name.eq_ignore_ascii_case(&self.name) {
            return Err(format!("the new node has the name of this one, {}; rename it", self.name).into());
        }
        let signing_request = STANDARD.decode(&request.signing_request)?;
        let random = self.random.as_ref();
        let (node, name) = (request.node, request.name.as_str());
        let certificate = self.authority.issue(&signing_request, node, name, now, identity::DAYS, random)?;
        let before = identity::nodes(&self.store).await?;
        let replaced = before.iter().filter(|known| known.node.fqdn == name && known.identifier != node);
        let replaced: Vec<_> = replaced.map(|known| known.identifier).collect();
        let mut operations = vec![
            Operation::Delete { kind: Kind::FarmKey, id, expected: stored.version },
            identity::entry(&self.store, node, name, SyncRole::SecondaryComputer).await?,
        ];
        operations.extend(identity::shut_out(&self.store, &replaced, Some(node)).await?);
        identity::write(&self.store, &format!("node {name}"), now, operations).await?;
        self.removed.replace(identity::removed(&self.store).await?);
        if let Some(live) = self.live.get() {
            let change = format!("Node {name} ({node}) joined the farm");
            sts::administration::audit(&live.server.sts, &format!("node {name}"), &change).await?;
        }
        ok(&JoinAnswer {
            certificate: STANDARD.encode(&certificate),
            authority: STANDARD.encode(self.authority.certificate()),
        })
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| format!("the message is not understood: {error}").into())
}

fn ok(answer: &impl Serialize) -> Result<Response<Full<Bytes>>> {
    Ok(json(StatusCode::OK, serde_json::to_vec(answer)?))
}

fn refused(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    json(status, serde_json::to_vec(&Refused { error: error.to_owned() }).unwrap_or_default())
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
