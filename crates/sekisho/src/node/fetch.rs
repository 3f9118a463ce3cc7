//! Documents from partners by https: metadata.

use std::time::Duration;

/// Fetches a document, within bounds. Redirects are followed from https to https only.
pub(crate) fn metadata(url: &str, largest: u64, time: Duration) -> Result<Vec<u8>, String> {
    let failed = |error: ureq::Error| format!("{url}: {error}");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .https_only(true)
        .timeout_global(Some(time))
        .max_redirects(5)
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(failed)?;
    response.body_mut().with_config().limit(largest).read_to_vec().map_err(failed)
}
