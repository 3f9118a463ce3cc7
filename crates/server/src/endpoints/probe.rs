//! `GET /adfs/probe`: what load balancers ask. 200 while the service has everything it needs, else 503.

use http::StatusCode;

use crate::FederationServer;
use crate::exchange::{Reply, plain};

/// Answers.
pub(crate) fn answer(server: &FederationServer) -> Reply {
    match server.is_ready() {
        true => plain(StatusCode::OK, ""),
        false => plain(StatusCode::SERVICE_UNAVAILABLE, "The service is not ready."),
    }
}
