//! 403, 404 and 410: a request, a response and the context headers.

use std::net::IpAddr;

use base::{Guid, Timestamp};
use serde::{Deserialize, Serialize};

use super::or_dash;
use crate::{Query, Text};

/// A request as 403 holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFacts {
    /// When it came.
    pub at: Timestamp,
    /// Address of the client.
    pub client_ip: IpAddr,
    /// HTTP method.
    pub method: Text,
    /// Path.
    pub path: Text,
    /// Query string, secrets masked.
    pub query: Query,
    /// Port of this server.
    pub local_port: u16,
    /// Address of this server.
    pub local_ip: IpAddr,
    /// `User-Agent`.
    pub user_agent: Option<Text>,
    /// `Content-Length`; 0 when there is no body.
    pub content_length: u64,
    /// Who asks, when the connection tells.
    pub caller: Option<Text>,
    /// Subject of the client certificate.
    pub certificate: Option<Text>,
    /// Identifier of the relying party, when the endpoint's request names it before its body.
    pub relying_party: Option<Text>,
    /// Whether a proxy passed it on.
    pub through_proxy: bool,
    /// DNS name of that proxy.
    pub proxy_name: Option<Text>,
}

impl RequestFacts {
    pub(super) fn fields(&self, instance: Guid, activity: String) -> Vec<String> {
        let query = self.query.as_str();
        vec![
            instance.to_string(),
            activity,
            self.at.to_audit(),
            self.client_ip.to_string(),
            self.method.to_string(),
            self.path.to_string(),
            if query.is_empty() { "-" } else { query }.to_owned(),
            self.local_port.to_string(),
            self.local_ip.to_string(),
            or_dash(&self.user_agent),
            self.content_length.to_string(),
            or_dash(&self.caller),
            or_dash(&self.certificate),
            or_dash(&self.relying_party),
            if self.through_proxy { "True" } else { "False" }.to_owned(),
            or_dash(&self.proxy_name),
        ]
    }
}

/// Headers that 410 holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestContextHeaders {
    /// `X-MS-Client-Application`.
    pub client_application: Option<Text>,
    /// `X-MS-Client-User-Agent`.
    pub client_user_agent: Option<Text>,
    /// `client-request-id`.
    pub client_request_id: Option<Text>,
    /// `X-MS-Endpoint-Absolute-Path`: the path of the request.
    pub endpoint_absolute_path: Option<Text>,
    /// `X-MS-Forwarded-Client-IP`.
    pub forwarded_client_ip: Option<Text>,
    /// `X-MS-Proxy`.
    pub proxy: Option<Text>,
    /// `X-MS-ADFS-Proxy-Client-IP`.
    pub adfs_proxy_client_ip: Option<Text>,
}

impl RequestContextHeaders {
    pub(super) fn fields(&self, activity: String) -> Vec<String> {
        let headers = [
            &self.client_application,
            &self.client_user_agent,
            &self.client_request_id,
            &self.endpoint_absolute_path,
            &self.forwarded_client_ip,
            &self.proxy,
            &self.adfs_proxy_client_ip,
        ];
        std::iter::once(activity).chain(headers.map(or_dash)).collect()
    }
}

/// Reason phrases of the statuses that this server sends (RFC 9110 15).
pub(super) fn status_description(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "-",
    }
}
