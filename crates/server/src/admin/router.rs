//! Which operation a request asks for.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::answer::{Answer, refused};
use super::call::{self, Call};
use super::{Admin, actions, body, changes, node, objects, openapi};

/// An answer is there after this time; a change goes on to its end even so.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Answers one request of `user`.
pub(super) async fn answer(admin: Arc<Admin>, user: &str, request: Request<Incoming>) -> Answer {
    let call = match read(user, request).await {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    // A peer that goes away ends its connection, not the change it asked for.
    let running = tokio::spawn(async move { route(&admin, call).await });
    match tokio::time::timeout(TIMEOUT, running).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(%error, "administration: a request ended without an answer");
            refused(StatusCode::INTERNAL_SERVER_ERROR, "the request failed; the service's log says more")
        }
        Err(_) => refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "there was no answer within two minutes; the request goes on, look at GET /changes for its end",
        ),
    }
}

async fn read(user: &str, request: Request<Incoming>) -> Result<Call, Answer> {
    let (head, incoming) = request.into_parts();
    let (path, query) = call::take_apart(&head.uri)?;
    let by = call::by(user, &head.headers)?;
    let body = match head.method {
        Method::POST | Method::PUT | Method::PATCH => body::read(incoming).await?,
        _ => serde_json::Value::Null,
    };
    Ok(Call { method: head.method, path, query, headers: head.headers, body, by })
}

async fn route(admin: &Admin, call: Call) -> Answer {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    let answer = match (path.as_slice(), method) {
        (["node"], "GET") => node::node(admin, &call).await,
        (["status"], "GET") => node::status(admin, &call),
        (["explain", id], "GET") => node::explain(admin, &call, id),
        (["openapi.json"], "GET") => openapi::answer(&call),
        (["configuration", kind], "GET") => objects::list(admin, &call, kind).await,
        (["configuration", kind], "POST") => objects::create(admin, &call, kind).await,
        (["configuration", kind, id], "GET") => objects::get(admin, &call, kind, id).await,
        (["configuration", kind, id], "PUT") => objects::put(admin, &call, kind, id).await,
        (["configuration", kind, id], "PATCH") => objects::patch(admin, &call, kind, id).await,
        (["configuration", kind, id], "DELETE") => objects::delete(admin, &call, kind, id).await,
        (["changes"], "GET") => changes::list(admin, &call).await,
        (["changes", serial, "undo"], "POST") => changes::undo(admin, &call, serial).await,
        (["actions", name], "POST") => actions::run(admin, &call, name).await,
        (path, _) => Err(no_such_address(path)),
    };
    answer.unwrap_or_else(|refusal| refusal)
}

/// 405 where another method is answered, else 404.
fn no_such_address(path: &[&str]) -> Answer {
    let allowed = match path {
        ["node" | "status" | "openapi.json" | "changes"] | ["explain", _] => "GET",
        ["configuration", _] => "GET, POST",
        ["configuration", _, _] => "GET, PUT, PATCH, DELETE",
        ["changes", _, "undo"] | ["actions", _] => "POST",
        _ => {
            let message = "there is nothing at this address; GET /openapi.json lists those there are";
            return refused(StatusCode::NOT_FOUND, message);
        }
    };
    let message = format!("this method is not answered here; expected {allowed}");
    let mut answer = refused(StatusCode::METHOD_NOT_ALLOWED, &message);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}
