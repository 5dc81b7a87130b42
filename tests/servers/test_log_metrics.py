"""nginx's log counts what the app does not see, and agrees with the app on the rest."""

import http.client
import json
import re
import subprocess
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from xaccel import Config, ConfigError
from xaccel.servers.deployment import Deployment
from xaccel.servers.nginx import configuration as nginx

from tests.support.doc_pages import runs
from tests.support.render_workers import wait_for
from tests.support.servers.mixed_traffic import WAYS, asked, disagreements, running_site
from tests.support.servers.process import HOST, PATIENCE, free_port, running

RECIPE = Path(__file__).parents[2] / "examples" / "monitoring" / "nginx.mtail"
SAMPLE = re.compile(r"^(xaccel_nginx_\w+)\{(.*)\} (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("way", WAYS)
def test_everything_adds_up(tmp_path, home, jpeg, way):
    with running_site(home / f"metrics-{way}", way, jpeg) as traffic:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(traffic.visit, (0, 0, 1, 2, 2, 0)))
        assert disagreements(traffic) == []
        lines = traffic.log()
    found = Counter((line["kind"], line["handled_by"], line["status"]) for line in lines)
    # The first of three hits in a round may be a render.
    alone = [line for line in lines if line["handled_by"] == "nginx"]
    assert all(asked(line) == [] for line in alone)
    assert all(asked(line) for line in lines if line["handled_by"] != "nginx")
    assert found["thumbnail", "nginx", 200] > found["thumbnail", "app", 200]
    assert found["private_file", "offload", 200] >= 6
    assert found["thumbnail", "offload", 200] >= 6
    assert found["other", "app", 200] == 6
    # A view that responds with an error does not say what it would have sent.
    assert (found["other", "app", 404], found["other", "app", 415]) == (12, 6)
    # After the app's verdict, nginx refuses the URL itself, or lets the app explain.
    invalid, expired = ("offload", "app") if way == "app" else ("nginx", "nginx")
    assert found["thumbnail", invalid, 403] == 12
    assert found["thumbnail", expired, 410] == 6
    link = ("nginx", 12) if way == "secure-link" else ("offload", 18)
    assert found["private_file", link[0], 200] == link[1]


@runs("docs/operations.md#nginx's log")
def test_mtail_reads_the_log(found, tmp_path, home, jpeg):
    start, query = found
    with running_site(home / "metrics-mtail", "njs", jpeg) as traffic:
        port = free_port()
        log = traffic.directory / "log.json"
        places = {"nginx.mtail": str(RECIPE), "/var/log/nginx/shop.json": str(log)}
        command = [places.get(each, each) for each in start.text.split()]
        assert {*places.values()} <= {*command}
        command += ["--port", str(port), "--address", HOST]
        command += ["--logtostderr", "--poll_interval", "50ms"]
        with running(command, port, tmp_path / "mtail.log"):
            traffic.visit(0)
            # What a visitor sends does not pass for other fields.
            fake = '/?"kind":"thumbnail","handled_by":"nginx","status":200'
            with closing(http.client.HTTPConnection(HOST, traffic.port)) as connection:
                connection.request("GET", "/", headers={"User-Agent": fake, "Referer": fake})
                connection.getresponse().read()
            traffic.requests += 1
            lines = traffic.log()
            expected = Counter(
                (line["kind"], line["handled_by"], str(line["status"])) for line in lines
            )
            sizes = Counter()
            for line in lines:
                sizes[line["kind"], line["handled_by"]] += line["body_bytes_sent"]
            # For each line, mtail updates this counter last. A scrape before that misses a part.
            wait_for(lambda: sum(seconds_counts(port).values()) >= len(lines))
            scraped = scrape(port)
    requests = of(scraped, "requests_total")
    assert requests == expected
    assert of(scraped, "sent_bytes_total") == sizes
    assert sum(of(scraped, "request_seconds_count").values()) == len(lines)
    check_share(query.text, requests, tmp_path)


def check_share(query, requests, directory):
    """Prometheus computes the share of thumbnails that nginx sent without the app."""
    series = [
        {
            "series": "xaccel_nginx_requests_total"
            f'{{kind="{kind}",handled_by="{by}",status="{status}"}}',
            "values": f"0+{number}x10",
        }
        for (kind, by, status), number in requests.items()
    ]
    thumbnails = sum(number for key, number in requests.items() if key[::2] == ("thumbnail", "200"))
    share = requests["thumbnail", "nginx", "200"] / thumbnails
    assert 0 < share < 1
    case = {
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "10m",
                "exp_samples": [{"labels": "{}", "value": share}],
            }
        ],
    }
    (directory / "test.json").write_text(json.dumps({"rule_files": [], "tests": [case]}))
    done = subprocess.run(
        ["promtool", "test", "rules", directory / "test.json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def scrape(port):
    with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=PATIENCE) as response:
        return SAMPLE.findall(response.read().decode())


def seconds_counts(port):
    return of(scrape(port), "request_seconds_count")


def of(samples, name):
    counts = Counter()
    for sample, text, value in samples:
        labels = dict(re.findall(r'(\w+)="([^"]*)"', text))
        if sample == f"xaccel_nginx_{name}":
            keys = [labels[key] for key in ("kind", "handled_by", "status") if key in labels]
            counts[*keys] += int(value)
    return counts


def test_a_log_needs_a_machine():
    deployment = Deployment(balance=("10.0.0.2:80",), json_log="/var/log/nginx/shop.json")
    with pytest.raises(ConfigError, match="json_log"):
        nginx.site(Config(), deployment)
