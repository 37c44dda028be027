//! Pages of a list, by `after_id`, `before_id` and `limit`.

/// The most entries of one page.
const MOST: usize = 1_000;
/// The entries of one page unless told otherwise.
const USUAL: usize = 20;

/// `{"data":[…],"has_more":…,"first_id":…,"last_id":…}` of the entries that a query asks for; the
/// error is the API's message.
pub(crate) fn page(entries: &[(String, String)], query: &str) -> Result<String, String> {
    let (mut limit, mut after, mut before) = (USUAL, None, None);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "limit" => {
                limit = value.parse().map_err(|fault: std::num::ParseIntError| {
                    // The number itself says nothing that the rule does not.
                    let _ = fault;
                    "limit: Input should be a valid integer".to_owned()
                })?;
                if limit == 0 || limit > MOST {
                    return Err(format!("limit: Input should be from 1 to {MOST}"));
                }
            }
            "after_id" => after = Some(value),
            "before_id" => before = Some(value),
            _ => {}
        }
    }
    let place = |id: &str| {
        let place = entries.iter().position(|(known, _)| known == id);
        place.ok_or_else(|| format!("invalid cursor: {id}"))
    };
    let (start, end) = match (after, before) {
        (Some(_), Some(_)) => {
            return Err("only one of after_id and before_id may be given".into());
        }
        (Some(id), None) => {
            let start = place(id)? + 1;
            (start, entries.len().min(start + limit))
        }
        (None, Some(id)) => {
            let end = place(id)?;
            (end.saturating_sub(limit), end)
        }
        (None, None) => (0, entries.len().min(limit)),
    };
    let has_more = if before.is_some() {
        start > 0
    } else {
        end < entries.len()
    };
    let shown = entries.get(start..end).unwrap_or_default();
    let id = |entry: Option<&(String, String)>| {
        entry.map_or_else(|| "null".to_owned(), |(id, _)| format!("\"{id}\""))
    };
    let data: Vec<_> = shown.iter().map(|(_, json)| json.as_str()).collect();
    Ok(format!(
        r#"{{"data":[{}],"has_more":{has_more},"first_id":{},"last_id":{}}}"#,
        data.join(","),
        id(shown.first()),
        id(shown.last())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(query: &str) -> Result<(Vec<u64>, bool), String> {
        let entries: Vec<_> = (0..5).map(|n| (format!("id{n}"), n.to_string())).collect();
        let page: serde_json::Value = serde_json::from_str(&page(&entries, query)?).unwrap();
        let data = page["data"].as_array().unwrap().iter();
        Ok((
            data.filter_map(serde_json::Value::as_u64).collect(),
            page["has_more"] == true,
        ))
    }

    #[test]
    fn pages_follow_each_other_in_both_directions() {
        assert_eq!(ids(""), Ok((vec![0, 1, 2, 3, 4], false)));
        assert_eq!(ids("limit=2"), Ok((vec![0, 1], true)));
        assert_eq!(ids("limit=2&after_id=id1"), Ok((vec![2, 3], true)));
        assert_eq!(ids("limit=2&after_id=id3"), Ok((vec![4], false)));
        assert_eq!(ids("limit=2&before_id=id3"), Ok((vec![1, 2], true)));
        assert_eq!(ids("before_id=id1"), Ok((vec![0], false)));
        assert!(ids("limit=0").unwrap_err().starts_with("limit:"));
        assert!(ids("after_id=x").unwrap_err().contains("cursor"));
    }
}
