//! What would have to be otherwise for a decision to be better: for the lender's people who look at an application again.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::wire::Input;

use super::{auth::OnlyLender, extract::Id};
use crate::{
    app::App,
    people,
    problem::{Kind, Problem},
    reply::Reply,
    storage::applications,
};

/// The smallest change in the features that the bundle marks changeable that would make the decision better: `staff` is
/// for the lender's people, `person` is what the applicant may be told. It is a view of personal data and is kept nowhere.
#[utoipa::path(get, path = "/v1/applications/{id}/counterfactual", tag = "reviews", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Object, description = "As `prequal decide --counterfactual` writes it."), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, _: OnlyLender, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = applications::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    let input = people::open(&mut db, &app.vault, &row.input_record).await?;
    drop(db);
    let input = input.ok_or_else(|| Problem::new(Kind::WrongState, "the applicant's data were erased"))?;
    let input: Input = serde_json::from_slice(&input).map_err(Problem::internal)?;
    let server = app.clone();
    // It decides up to some ten thousand times, which other requests must not wait for.
    let found =
        tokio::task::spawn_blocking(move || server.settings.policies.by_hash(&row.bundle_hash)?.counterfactual(&input));
    Reply::ok(&found.await.map_err(Problem::internal)??)
}
