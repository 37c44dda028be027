//! The endpoints of the API, by method and path.

use hyper::Method;

/// One operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Messages,
    CountTokens,
    Models,
    Model(String),
    CreateBatch,
    Batches,
    Batch(String),
    DeleteBatch(String),
    CancelBatch(String),
    BatchResults(String),
}

/// Why a request has no route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Astray {
    /// 404.
    Path,
    /// 405, with the methods that the path has.
    Method(&'static str),
}

impl Route {
    pub(crate) fn of(method: &Method, path: &str) -> Result<Self, Astray> {
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let (get, post) = (method == Method::GET, method == Method::POST);
        let one = |fits: bool, route: Self, allow| {
            if fits {
                Ok(route)
            } else {
                Err(Astray::Method(allow))
            }
        };
        match parts.as_slice() {
            ["v1", "messages"] => one(post, Self::Messages, "POST"),
            ["v1", "messages", "count_tokens"] => one(post, Self::CountTokens, "POST"),
            ["v1", "models"] => one(get, Self::Models, "GET"),
            ["v1", "models", id] if !id.is_empty() => {
                one(get, Self::Model((*id).to_owned()), "GET")
            }
            ["v1", "messages", "batches"] if post => Ok(Self::CreateBatch),
            ["v1", "messages", "batches"] => one(get, Self::Batches, "GET, POST"),
            ["v1", "messages", "batches", id] if method == Method::DELETE => {
                Ok(Self::DeleteBatch((*id).to_owned()))
            }
            ["v1", "messages", "batches", id] => {
                one(get, Self::Batch((*id).to_owned()), "GET, DELETE")
            }
            ["v1", "messages", "batches", id, "cancel"] => {
                one(post, Self::CancelBatch((*id).to_owned()), "POST")
            }
            ["v1", "messages", "batches", id, "results"] => {
                one(get, Self::BatchResults((*id).to_owned()), "GET")
            }
            _ => Err(Astray::Path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_method_and_path() {
        let of = |method: Method, path: &str| Route::of(&method, path);
        assert_eq!(of(Method::POST, "/v1/messages"), Ok(Route::Messages));
        assert_eq!(of(Method::GET, "/v1/messages"), Err(Astray::Method("POST")));
        assert_eq!(
            of(Method::GET, "/v1/models/m"),
            Ok(Route::Model("m".into()))
        );
        assert_eq!(
            of(Method::DELETE, "/v1/messages/batches/b"),
            Ok(Route::DeleteBatch("b".into()))
        );
        assert_eq!(
            of(Method::PUT, "/v1/messages/batches/b"),
            Err(Astray::Method("GET, DELETE"))
        );
        assert_eq!(
            of(Method::POST, "/v1/messages/batches/b/cancel"),
            Ok(Route::CancelBatch("b".into()))
        );
        assert_eq!(of(Method::POST, "/v1/messages/"), Err(Astray::Path));
        assert_eq!(of(Method::POST, "/v1/complete"), Err(Astray::Path));
    }
}
