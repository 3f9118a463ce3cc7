//! Every path this service answers, and what holds for each request: its trail, and its record in the journal
//! before the answer leaves.

use std::sync::Arc;

use audit::{Event, HeadersText, Query, RequestContextHeaders, RequestFacts, RequestLine, Text};
use base::Guid;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use net::{Handler, RequestBody, RequestContext};
use sts::{SignInContext, Trail};

use crate::FederationServer;
use crate::endpoints::{claims_xray, metadata, passive, portal, probe};
use crate::exchange::{Exchange, Reply, plain};
use crate::pages::{Language, Nonce};
use crate::problem::{self, Problem};

/// Largest body of a form: a SAML response at Claims X-Ray is the largest thing anybody posts here.
const FORM_BYTES: usize = 1024 * 1024;

/// Browsers come by https for a year; the value is AD FS's.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Requests of one address in a minute that are recorded one by one although they were refused before any trust or
/// account was known; further ones are counted.
const RECORDED_REFUSALS: u32 = 30;

/// Where a request goes. Paths are compared without regard to case, and `/adfs/ls` is `/adfs/ls/`.
enum Route {
    Passive,
    ClaimsXray,
    Metadata,
    Probe,
    Portal,
    Unknown,
}

impl Route {
    fn of(path: &str, encrypted: bool) -> Self {
        let path = path.to_ascii_lowercase();
        match path.strip_suffix('/').unwrap_or(&path) {
            "/adfs/probe" => Self::Probe,
            // The plain listener is there for the probe alone.
            _ if !encrypted => Self::Unknown,
            "/adfs/ls" => Self::Passive,
            "/federationmetadata/2007-06/federationmetadata.xml" => Self::Metadata,
            "/claimsxray" | "/claimsxray/start" | "/claimsxray/wsfed" | "/claimsxray/saml" => {
                Self::ClaimsXray
            }
            portal::FAVICON => Self::Portal,
            other if other.starts_with("/adfs/portal/") => Self::Portal,
            _ => Self::Unknown,
        }
    }
}

/// The service as a handler of requests.
#[derive(Clone)]
pub struct Routes(pub Arc<FederationServer>);

impl Handler for Routes {
    type Body = Full<Bytes>;

    async fn handle(&self, context: RequestContext, request: Request<RequestBody>) -> Reply {
        let encrypted = context.connection.tls.is_some();
        let mut reply = self.route(context, request).await;
        // A loopback name belongs to every program of the machine, so none may bind it to https.
        if encrypted && !self.0.sts.catalog.resident().properties.is_loopback() {
            reply.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        reply
    }
}

impl Routes {
    async fn route(&self, context: RequestContext, request: Request<RequestBody>) -> Reply {
        let server = &*self.0;
        let route = Route::of(request.uri().path(), context.connection.tls.is_some());
        if !matches!(*request.method(), Method::GET | Method::POST) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET, HEAD and POST are answered here.");
        }
        match route {
            Route::Probe => return probe::answer(server),
            Route::Metadata => return metadata::answer(server, request.headers()),
            Route::Unknown => return plain(StatusCode::NOT_FOUND, "There is nothing at this address."),
            Route::Passive | Route::ClaimsXray | Route::Portal => {}
        }
        let exchange = match read(server, context, request).await {
            Ok(exchange) => exchange,
            Err(status) => return plain(status, "The request's body can't be read."),
        };
        match route {
            Route::Portal => portal::answer(&exchange),
            Route::ClaimsXray => claims_xray::answer(server, &exchange).await,
            _ => recorded(server, &exchange).await,
        }
    }
}

/// Reads the whole request. Bodies that are no form are no form: they stay unread.
async fn read(
    server: &FederationServer,
    context: RequestContext,
    request: Request<RequestBody>,
) -> Result<Exchange, StatusCode> {
    let language = request.headers().get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = Language::negotiate(language);
    let method = request.method().clone();
    let path = canonical(request.uri().path());
    let query = request.uri().query().map(str::to_owned);
    let headers = request.headers().clone();
    let form = if method == Method::POST && is_form(&headers) {
        let body = net::read_body(request, FORM_BYTES).await.map_err(|error| error.status())?;
        String::from_utf8(body.into()).map_err(|_| StatusCode::BAD_REQUEST)?
    } else {
        String::new()
    };
    let nonce = Nonce::random(server.sts.random.as_ref());
    let resident = server.sts.catalog.resident();
    Ok(Exchange { resident, context, method, path, query, headers, form, language, nonce })
}

/// The path as cookies and links of this service spell it. A browser sends cookies of `/adfs` to that very spelling
/// only, so a request in another one must come back in this one.
fn canonical(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    match lower.as_str() {
        "/adfs/ls" | "/adfs/ls/" => lower,
        _ => path.to_owned(),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A sign-in request: everything about it is in the journal, on disk, before the answer leaves.
async fn recorded(server: &FederationServer, exchange: &Exchange) -> Reply {
    let mut trail = Trail::new(
        context(exchange),
        server.sts.node.clone(),
        &exchange.resident.properties.identifier,
        exchange.context.started,
        server.sts.random.clone(),
    );
    note_request(&mut trail, exchange);
    let reply = passive::answer(server, exchange, &mut trail).await;
    note_response(&mut trail, server, &reply);
    let source = exchange.context.addresses.client;
    if let Some(reason) = trail.early_refusal()
        && !server.early_refusals.allow(source, RECORDED_REFUSALS, exchange.context.started)
    {
        server.sts.journal.count_refusal(source, reason);
        return reply;
    }
    match server.sts.journal.append(&trail.finish(reply.status().as_u16())).await {
        Ok(()) => reply,
        Err(error) => {
            // Without a record no token leaves, and nobody learns whether there would have been one.
            tracing::error!(%error, activity = %exchange.activity(), "the journal does not take records");
            problem::unrecorded_page(server, exchange, &Problem::no_journal())
        }
    }
}

fn context(exchange: &Exchange) -> SignInContext {
    let context = &exchange.context;
    SignInContext {
        activity: context.activity_id,
        client_ips: context.addresses.all(),
        inside_corporate_network: context.inside_corporate_network,
        proxy: context.proxy.clone(),
        user_agent: context.headers.user_agent.clone(),
        client_application: context
            .headers
            .client_application
            .clone()
            .filter(|_| context.addresses.through_proxy),
        endpoint_path: context.endpoint_path.clone(),
    }
}

/// 403, 510, 410.
fn note_request(trail: &mut Trail, exchange: &Exchange) {
    let context = &exchange.context;
    let instance: Guid = trail.instance();
    let query = Query::new(exchange.query.as_deref().unwrap_or_default());
    let text = |value: &Option<String>| value.as_deref().map(Text::from);
    let length = exchange.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    trail.request(RequestLine {
        method: exchange.method.as_str().into(),
        path: exchange.path.as_str().into(),
        query: query.clone(),
        client: context.addresses.client,
    });
    trail.event(Event::RequestReceived {
        instance,
        request: Box::new(RequestFacts {
            at: context.started,
            client_ip: context.addresses.client,
            method: exchange.method.as_str().into(),
            path: exchange.path.as_str().into(),
            query,
            local_port: context.connection.local.port(),
            local_ip: context.connection.local.ip().to_canonical(),
            user_agent: text(&context.headers.user_agent),
            content_length: length.and_then(|length| length.parse().ok()).unwrap_or_default(),
            caller: None,
            certificate: None,
            relying_party: None,
            through_proxy: !context.inside_corporate_network,
            proxy_name: text(&context.proxy),
        }),
    });
    trail.event(Event::LongText {
        instance,
        text: HeadersText::new(
            exchange.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
            Some(&exchange.path),
        ),
    });
    let headers = &context.headers;
    trail.event(Event::RequestContextHeaders(Box::new(RequestContextHeaders {
        client_application: text(&headers.client_application),
        client_user_agent: text(&headers.client_user_agent),
        client_request_id: text(&headers.client_request_id),
        endpoint_absolute_path: Some(exchange.path.as_str().into()),
        forwarded_client_ip: text(&headers.forwarded_client_ip),
        proxy: text(&headers.proxy),
        adfs_proxy_client_ip: text(&headers.proxy_client_ip),
    })));
}

/// 404, 510.
fn note_response(trail: &mut Trail, server: &FederationServer, reply: &Reply) {
    let instance = trail.instance();
    trail.event(Event::ResponseSent {
        instance,
        at: server.sts.clock.now(),
        status: reply.status().as_u16(),
    });
    let headers = reply.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    trail.event(Event::LongText { instance, text: HeadersText::new(headers, None) });
}
