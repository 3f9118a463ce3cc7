//! The pages of Claims X-Ray, a relying party that shows the token it was given.

mod claim_names;
mod result;
mod start;
mod xml_view;

pub use result::{
    XRayClaim, XRayKeySource, XRayLifetime, XRayProblem, XRayResultPage, XRaySignature, XRaySigned, XRaySpan,
    XRayToken, xray_result,
};
pub use start::{XRayProtocol, XRayStartPage, xray_start};
