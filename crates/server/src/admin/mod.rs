//! The administration API: HTTP/1.1 and JSON over a Unix socket that only the service's own user and root may open.
//!
//! | address | what |
//! | --- | --- |
//! | `GET /node`, `/status`, `/explain/ACTIVITY-ID` | this node, and why a request ended as it did |
//! | `GET /configuration/{kind}`, `POST` | objects of a kind; create one |
//! | `GET /configuration/{kind}/{id}`, `PUT`, `PATCH`, `DELETE` | one object |
//! | `GET /changes`, `POST /changes/{serial}/undo` | the history |
//! | `POST /actions/{name}` | what is no change of one object |
//! | `GET /openapi.json` | all of this, as OpenAPI 3.1 |

#![allow(clippy::result_large_err, reason = "an answer is of the same size whichever way it comes")]

mod actions;
mod answer;
mod body;
mod call;
mod changes;
mod node;
mod objects;
mod openapi;
mod router;
mod socket;

use std::sync::Arc;

use sts::administration::Administration;

pub use actions::{ActionAnswer, ActionCall, ActionError, Actions};
pub use socket::AdminSocket;

use crate::FederationServer;
use crate::endpoints::metadata::MetadataFollows;

/// What the socket serves.
pub struct Admin {
    pub(crate) server: Arc<FederationServer>,
    pub(crate) administration: Arc<Administration>,
    pub(crate) actions: Actions,
}

impl Admin {
    /// The API of a service. The federation metadata follows every change that is made through it.
    pub fn new(server: Arc<FederationServer>, administration: Administration, actions: Actions) -> Arc<Self> {
        let administration = administration.observed_by(Arc::new(MetadataFollows(server.clone())));
        Arc::new(Self { server, administration: Arc::new(administration), actions })
    }
}
