"""What is read: the views of the command line, page by page, as the OpenAPI document says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from growlearn.app import views
from growlearn.app.api import schemas
from growlearn.app.why import explain_decision, why_view
from tests.contract.api.conftest import API, DIGITS, Api


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/healthz", schemas.Health),
        ("/readyz", schemas.Health),
        (f"{API}/streams", schemas.Streams),
        (DIGITS, schemas.StreamStatus),
        (f"{API}/progress", schemas.WindowsInProgress),
        (f"{DIGITS}/windows", schemas.Windows),
        (f"{DIGITS}/windows/w1", schemas.Window),
        (f"{DIGITS}/drift", schemas.DriftReports),
        (f"{DIGITS}/windows/w2/drift", schemas.DriftReports),
        (f"{DIGITS}/lineage", schemas.Lineage),
        (f"{DIGITS}/matrix", schemas.Matrix),
        (f"{DIGITS}/matrix?version=1", schemas.Matrix),
        (f"{DIGITS}/versions", schemas.Versions),
        (f"{DIGITS}/why", schemas.Why),
        (f"{DIGITS}/why?which=1", schemas.Why),
    ],
)
def test_every_answer_has_the_keys_of_its_model(api: Api, path: str, model: Any) -> None:
    response = api.send("GET", path, "viewer")
    if path == "/readyz":
        assert response.json()["checks"].keys() == {"database", "files"}  # of the settings, not of this store
    else:
        assert response.status_code == 200, response.text
    model.model_validate(response.json())


def test_listings_are_the_views_of_the_command_line(api: Api) -> None:
    store = api.context.store
    assert api.get(f"{DIGITS}/lineage") == views.lineage_view(store, "digits")
    assert api.get(f"{DIGITS}/versions") == views.versions_view(store, "digits")
    matrix = views.matrix_view(views.get_accuracy_matrix(store, "digits", None))
    assert api.get(f"{DIGITS}/matrix") == matrix
    assert api.get(f"{DIGITS}/windows")["windows"] == views.windows_view(store, "digits")["windows"]
    assert api.get(f"{DIGITS}/drift")["reports"] == views.drift_view(store, "digits", None)["reports"]
    why = why_view(store, explain_decision(store, "digits", "w2"))
    assert api.get(f"{DIGITS}/why?which=w2") == json.loads(json.dumps(why))


def test_pages_of_one_window_each_are_all_windows(api: Api) -> None:
    pages, after = [], ""
    while after is not None:
        page = api.get(f"{DIGITS}/windows?limit=1" + (f"&after={after}" if after else ""))
        assert len(page["windows"]) == 1
        pages += page["windows"]
        after = page["next"]
    assert pages == api.get(f"{DIGITS}/windows")["windows"]
    assert len(pages) > 1


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        (f"{API}/streams/letters", 404, "there is no stream 'letters'"),
        (f"{DIGITS}/windows/w99", 404, "w99"),
        (f"{DIGITS}/windows/%00", 404, "no window"),
        (f"{DIGITS}/matrix?version=99", 404, "there is no version 99"),
        (f"{DIGITS}/matrix?version=x", 422, "query.version"),
        (f"{DIGITS}/windows?limit=0", 422, "query.limit"),
        (f"{API}/nothing", 404, "Not Found"),
    ],
)
def test_an_error_is_a_problem_with_what_and_how(api: Api, path: str, status: int, detail: str) -> None:
    response = api.send("GET", path, "viewer")
    problem = response.json()
    schemas.Problem.model_validate(problem)
    assert (response.status_code, problem["status"]) == (status, status)
    assert detail in problem["detail"]
    assert problem["hint"]
    assert problem["request_id"] == response.headers["x-request-id"]


def test_the_openapi_document_is_of_3_1_and_names_every_status(api: Api) -> None:
    document = api.get(f"{API}/openapi.json")
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            statuses = set(operation["responses"])
            if path not in ("/healthz", "/readyz", "/login"):
                assert {"401", "403", "429", "503"} <= statuses, (method, path)
            assert operation["x-role"], (method, path)
    assert "Problem" in document["components"]["schemas"]


def test_figures_count_requests_by_route(api: Api) -> None:
    api.get(f"{DIGITS}/windows")
    text = api.send("GET", "/metrics", "viewer").text
    labels = 'method="GET",route="/api/v1/streams/{stream}/windows",status="200"'
    assert f"growlearn_http_requests_total{{{labels}}} 1.0" in text


def test_a_request_is_logged_with_its_id_and_key_but_no_secret(api: Api) -> None:
    api.send("GET", f"{API}/streams?x={api.tokens['viewer']}", "viewer", headers={"X-Request-ID": "abc-1"})
    api.send("GET", f"{API}/streams", "viewer", headers={"X-Request-ID": 'a"\x1b[31m'})
    requests = [fields for event, fields in api.log if event == "request"]
    assert (requests[0]["request_id"], requests[0]["key"]) == ("abc-1", api.tokens["viewer id"])
    assert (requests[0]["path"], requests[0]["status"]) == (f"{API}/streams", 200)
    assert len(str(requests[1]["request_id"])) == 32
    assert api.tokens["viewer"] not in str(api.log)
