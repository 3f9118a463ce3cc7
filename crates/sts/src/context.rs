//! What is known about a request besides its protocol message, and the claims made of it.

use std::net::IpAddr;
use std::sync::Arc;

use base::ActivityId;
use claims::{Claim, types};

/// Facts about a request, taken from the connection and from trusted hops only.
#[derive(Debug, Clone)]
pub struct SignInContext {
    /// Correlation id.
    pub activity: ActivityId,
    /// The client, then each trusted hop that forwarded it.
    pub client_ips: Vec<IpAddr>,
    /// Whether the request did not come through a proxy.
    pub inside_corporate_network: bool,
    /// Name of that proxy.
    pub proxy: Option<String>,
    /// User agent.
    pub user_agent: Option<String>,
    /// `X-MS-Client-Application`, from a trusted hop.
    pub client_application: Option<String>,
    /// Path of the endpoint, such as `/adfs/ls/`.
    pub endpoint_path: String,
}

impl SignInContext {
    /// The address whose attempts are counted.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.client_ips.first().copied()
    }

    /// Request-context claims; part of the input of every rule set.
    pub fn claims(&self, relying_party: Option<&str>) -> Vec<Claim> {
        let issuer: Arc<str> = claims::claim::LOCAL_AUTHORITY.into();
        let mut list = Vec::with_capacity(8);
        let mut state = |claim_type: &str, value: &str| {
            if !value.is_empty() {
                list.push(Claim::new(claim_type, value, issuer.clone()));
            }
        };
        state(types::INSIDE_CORPORATE_NETWORK, if self.inside_corporate_network { "true" } else { "false" });
        if let Some(client) = self.client_ip() {
            state(types::CLIENT_IP, &client.to_string());
            state(types::USER_IP, &client.to_string());
        }
        state(types::ENDPOINT_PATH, &self.endpoint_path);
        state(types::CLIENT_REQUEST_ID, &self.activity.to_string());
        state(types::CLIENT_USER_AGENT, self.user_agent.as_deref().unwrap_or_default());
        state(types::CLIENT_APPLICATION, self.client_application.as_deref().unwrap_or_default());
        state(types::PROXY, self.proxy.as_deref().unwrap_or_default());
        state(types::RELYING_PARTY_TRUST_ID, relying_party.unwrap_or_default());
        list
    }
}
