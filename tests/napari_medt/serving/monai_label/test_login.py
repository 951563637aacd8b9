from __future__ import annotations


def test_nobody_need_log_in(connect):
    client = connect()
    assert client.get("/auth/").json()["enabled"] is False
    assert client.get("/auth/token/valid").status_code == 200


def test_who_tries_is_told_what_to_do(connect):
    answer = connect().post("/auth/token", data={"username": "anna", "password": "secret", "grant_type": "password"})
    assert answer.status_code == 403
    assert "with the token" in answer.text
