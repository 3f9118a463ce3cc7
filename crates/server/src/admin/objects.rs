//! `/configuration/{kind}` and `/configuration/{kind}/{id}`: the objects.

use configuration::{OBJECTS, ObjectType};
use http::StatusCode;
use serde_json::{Value, json};
use sts::administration::{ChangeRequest, Edit, Selection, indexes};

use super::Admin;
use super::answer::{self, Answer, bad_request, changed, not_changed, refused};
use super::call::Call;

/// Objects of one page when the request does not say how many.
const PAGE: u64 = 100;

type Result<T> = std::result::Result<T, Answer>;

fn object_type(kind: &str) -> Result<&'static ObjectType> {
    configuration::object_type(kind).ok_or_else(|| {
        let kinds: Vec<&str> = OBJECTS.iter().map(|object| object.kind).collect();
        let message = format!("'{kind}' is no kind of object; expected one of {}", kinds.join(", "));
        refused(StatusCode::NOT_FOUND, &message)
    })
}

/// Objects in pages, or the one that has a value in an index.
pub(super) async fn list(admin: &Admin, call: &Call, kind: &str) -> Result<Answer> {
    let object = object_type(kind)?;
    let indexes = indexes(object);
    call.only(&[&["after", "limit"], indexes].concat())?;
    let limit = call.number("limit")?.unwrap_or(PAGE);
    let mut by = indexes.iter().filter_map(|index| Some((*index, call.parameter(index)?)));
    let selection = match (by.next(), by.next()) {
        (None, _) => Selection::After(call.parameter("after").map(str::to_owned)),
        (Some((index, value)), None) => Selection::By(index, value.to_owned()),
        (Some((one, _)), Some((other, _))) => {
            return Err(bad_request(format!("'{one}' and '{other}' are both given; expected one of them")));
        }
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let page = admin.administration.list(&admin.server.sts, object, &selection, limit).await;
    let page = page.map_err(|error| not_changed(&error))?;
    let objects: Vec<Value> = page
        .objects
        .into_iter()
        .map(|stored| json!({ "id": stored.id, "version": stored.version, "body": stored.body }))
        .collect();
    Ok(answer::json(StatusCode::OK, &json!({ "objects": objects, "next": page.next })))
}

/// One object.
pub(super) async fn get(admin: &Admin, call: &Call, kind: &str, id: &str) -> Result<Answer> {
    call.only(&[])?;
    let found = admin.administration.get(&admin.server.sts, object_type(kind)?, id).await;
    found.map(answer::object).map_err(|error| not_changed(&error))
}

/// Creates an object whose identifier the service makes, or the body holds.
pub(super) async fn create(admin: &Admin, call: &Call, kind: &str) -> Result<Answer> {
    change(admin, call, kind, None, Edit::Create(call.body.clone())).await
}

/// Creates (`If-None-Match: *`) or replaces (`If-Match`).
pub(super) async fn put(admin: &Admin, call: &Call, kind: &str, id: &str) -> Result<Answer> {
    let edit = match call.must_be_new()? {
        true => Edit::Create(call.body.clone()),
        false => Edit::Replace(call.if_match()?, call.body.clone()),
    };
    change(admin, call, kind, Some(id), edit).await
}

/// Sets some properties.
pub(super) async fn patch(admin: &Admin, call: &Call, kind: &str, id: &str) -> Result<Answer> {
    change(admin, call, kind, Some(id), Edit::Patch(call.if_match()?, call.body.clone())).await
}

/// Takes an object away.
pub(super) async fn delete(admin: &Admin, call: &Call, kind: &str, id: &str) -> Result<Answer> {
    change(admin, call, kind, Some(id), Edit::Remove(call.if_match()?)).await
}

async fn change(admin: &Admin, call: &Call, kind: &str, id: Option<&str>, edit: Edit) -> Result<Answer> {
    call.only(&["whatif"])?;
    let what_if = call.switch("whatif")?;
    let status = match (&edit, what_if) {
        (Edit::Create(_), false) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let request = ChangeRequest {
        object: object_type(kind)?,
        id: id.map(str::to_owned),
        edit,
        by: call.by.clone(),
        what_if,
    };
    let made = admin.administration.change(&admin.server.sts, request).await;
    made.map(|made| changed(made, status)).map_err(|error| not_changed(&error))
}
