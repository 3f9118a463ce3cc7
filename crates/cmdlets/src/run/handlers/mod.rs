//! What the commands do: one operation, one file.

mod add;
mod certificate;
mod farm;
mod foreign;
mod get;
mod history;
mod information;
mod new_objects;
mod node;
mod properties;
mod relying_party_trust;
mod remove;
mod set;
mod shape;
mod ssl_certificate;
mod sync;
mod users;

pub(crate) use add::add;
pub(crate) use certificate::{
    add_certificate, get_certificate, remove_certificate, set_certificate, update_certificate,
};
pub(crate) use farm::{
    add_farm_node, get_diverged_change, get_farm_information, install_farm, move_store, new_join_token,
    set_farm_information,
};
pub(crate) use foreign::{control_service, foreign_command_advice, import_module, program_advice};
pub(crate) use get::get;
pub(crate) use history::{get_change, undo_change};
pub(crate) use information::{get_command, get_help, install_cmdlets};
pub(crate) use new_objects::{
    new_claim_rule_set, new_contact_person, new_organization, new_saml_endpoint, new_time_span,
};
pub(crate) use node::{convert_to_secure_string, get_child_item, import_pfx_certificate};
pub(crate) use properties::set_properties;
pub(crate) use relying_party_trust::{add_relying_party_trust, update_relying_party_trust};
pub(crate) use remove::remove;
pub(crate) use set::{disable, enable, set};
pub(crate) use shape::{
    convert_from_json, convert_to_json, format_list, format_table, out_string, select_object, where_object,
};
pub(crate) use ssl_certificate::{get_ssl_certificate, set_ssl_certificate};
pub(crate) use sync::{get_sync_properties, set_sync_properties};
pub(crate) use users::{get_user, new_user, remove_user};
