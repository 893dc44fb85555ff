"""The page in a real browser: every job is started by a click and seen to finish."""

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
FLAGS += ["disable-background-networking", "disable-component-update", "disable-sync"]
ENDS = {
    "count": "17,984",
    "report": "12 orders, 3,213.00 in total, the largest 336.50",
    "together": "78,498",
    "retry": "The supplier answered at attempt 3",
    "fail": "ConnectionError: The supplier does not answer (attempt 3)",
    "remind": "Ada, it is time",
}


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM and not os.environ.get("CI"):
        # A laptop may have no Chromium, and the other tests are worth running there; in CI it is an error.
        pytest.skip("Chromium is not installed: install it, or set CHROMIUM to where it is")
    assert CHROMIUM, "Chromium is missing, and this is CI."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[f"--{flag}" for flag in FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, site):
    context = chromium.new_context(base_url=site)
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    context.close()
    assert page.complaints == []


@pytest.fixture
def board(page):
    page.goto("/")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Come in").click()
    return page


def start(page, kind):
    page.locator(f"form[action='/start/{kind}'] button").click()


def job(page, kind):
    return page.locator(f"#jobs > li[data-kind={kind}]")


def test_every_job_is_seen_to_finish(board):
    for kind in ENDS:
        start(board, kind)
    expect(board.locator("#jobs > li")).to_have_count(len(ENDS))
    for kind, text in ENDS.items():
        expect(job(board, kind)).to_have_attribute("data-finished", "true", timeout=120_000)
        expect(job(board, kind)).to_contain_text(text)
    board.reload()
    for kind, text in ENDS.items():
        expect(job(board, kind)).to_contain_text(text)
    assert job(board, "fail").get_attribute("data-state") == "failed"


def test_a_change_is_told_to_those_who_do_not_see_it(board):
    start(board, "count")
    expect(board.get_by_role("status")).to_have_text("Count primes: done", timeout=120_000)


def test_an_unreachable_site_is_said_and_tried_again(board):
    start(board, "remind")
    board.context.set_offline(True)
    expect(board.get_by_role("alert")).to_have_text("The site cannot be reached. Trying again.")
    board.context.set_offline(False)
    expect(board.get_by_role("alert")).to_be_hidden(timeout=120_000)


def test_the_page_works_without_scripts(chromium, site):
    context = chromium.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator("button").click()
    start(page, "count")
    expect(job(page, "count")).to_contain_text("17,984", timeout=120_000)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_sticks_out(board, scheme, width):
    board.emulate_media(color_scheme=scheme)
    board.set_viewport_size({"width": width, "height": 800})
    start(board, "fail")
    expect(job(board, "fail").first).to_be_visible()
    board.wait_for_load_state()
    assert board.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_colours_are_told_apart(board):
    """Text has at least the contrast that WCAG AA asks for, in both schemes."""
    start(board, "count")
    expect(job(board, "count").first).to_be_visible()
    board.wait_for_load_state()
    for scheme in ["light", "dark"]:
        board.emulate_media(color_scheme=scheme)
        assert board.evaluate(CONTRAST) == []


# Every text on the page against the nearest background behind it: those below 4.5.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  return [...document.querySelectorAll("h1, h2, h3, p, span, button, li, small")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .filter((e) => e.checkVisibility())
    .map((e) => [e.textContent.trim(), ratio(
      luminance(parse(getComputedStyle(e).color)), luminance(background(e)))])
    .filter(([, contrast]) => contrast < 4.5);
}"""
