"""The album and its admin in a real browser, against the local cloud with this example's config.ts."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import PROJECT
from tests.pictures import large_picture, picture

REPOSITORY = PROJECT.parent.parent
LEFT_OUT = ["node_modules", ".git", ".state", ".venv", ".env*", "cdktf.out", "__pycache__"]
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME")}
PYTHON = ["--python", sys.executable]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["no-sandbox", "disable-gpu", "disable-quic", "no-first-run"]
FLAGS += ["disable-background-networking", "disable-component-update", "disable-sync"]
USER = {"USERNAME": "ada", "EMAIL": "ada@example.com", "PASSWORD": "correct horse"}
PATIENCE_MS = 120_000


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The repository as it is after a clone, with the configuration that the README says to copy."""
    folder = tmp_path_factory.mktemp("clones") / "repository"
    shutil.copytree(REPOSITORY, folder, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (folder / "node_modules").symlink_to(REPOSITORY / "node_modules")
    shutil.copy(PROJECT / "config.ts", folder / "config.ts")
    (folder / ".env.local").write_text("".join(f"DJANGO_SUPERUSER_{name}={value}\n" for name, value in USER.items()))
    return folder


def local(*arguments):
    return ["node", "run.mjs", "scripts/local.ts", *arguments]


@pytest.fixture(scope="module")
def site(clone):
    """Address of the site in a local cloud, which ends when its standard input is closed."""
    command = local(*PYTHON, "--once", "echo $SITE_URL; cat")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=clone, env=ENVIRONMENT, **pipes) as cloud:
        url = cloud.stdout.readline().strip()
        assert url, "The local cloud did not start: see above"
        yield url


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
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def superuser(clone, site):
    """Is created as the README says."""
    command = local("manage", *PYTHON, "createsuperuser", "--noinput")
    result = subprocess.run(command, cwd=clone, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return USER


@pytest.fixture
def admin(page, superuser):
    page.get_by_role("link", name="Admin").click()
    page.get_by_label("Username").fill(superuser["USERNAME"])
    page.get_by_label("Password").fill(superuser["PASSWORD"])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Site administration")).to_be_visible()
    return page


def upload(page, title, data=None):
    page.get_by_label("Picture").set_input_files(
        {"name": "holiday.jpg", "mimeType": "image/jpeg", "buffer": data or picture()}
    )
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Upload").click()
    return photo(page, title)


def photo(page, title):
    return page.locator("#photos > li", has_text=title)


def address(photo):
    """Of its thumbnail, without the signature."""
    return photo.locator("img").get_attribute("src").partition("?")[0]


def reload_until(page, is_so):
    end = time.monotonic() + PATIENCE_MS / 1000
    while not is_so():
        assert time.monotonic() < end
        page.reload()


def width_of(image):
    """Pixels of what the browser has read."""
    return image.evaluate("image => image.decode().then(() => image.naturalWidth)")


def test_an_uploaded_picture_gets_its_thumbnail(page):
    one = upload(page, "Hills at dusk")
    expect(one).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    assert width_of(one.locator("img")) == 480
    page.reload()
    assert width_of(one.locator("img")) == 480
    one.get_by_role("link").click()
    assert width_of(page.locator("img")) == 1200


def test_a_picture_that_is_too_large_for_one_request_is_made_smaller(page):
    one = upload(page, "Large", large_picture())
    expect(one).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    one.get_by_role("link").click()
    assert width_of(page.locator("img")) == 2000


def test_what_is_not_a_picture_is_said(page):
    upload(page, "Half", picture()[:2000])
    expect(photo(page, "Half")).to_contain_text("not a picture", timeout=PATIENCE_MS)
    upload(page, "None", b"<script>")
    expect(page.get_by_role("alert")).to_contain_text("not an image")


def test_an_unreachable_site_is_asked_again(page):
    one = upload(page, "Patience")
    expect(one).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        one.evaluate(START_WAITING)
    page.context.set_offline(False)
    expect(page.get_by_role("status")).to_have_text("Patience: ready", timeout=PATIENCE_MS)
    expect(one).to_have_attribute("data-state", "ready")


def test_the_page_works_without_scripts(chromium, site):
    context = chromium.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    expect(upload(page, "Plain")).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    context.close()


def test_the_admin_makes_thumbnails_again(admin):
    admin.goto("/")
    upload(admin, "Again")
    expect(photo(admin, "Again")).to_have_attribute("data-state", "ready", timeout=PATIENCE_MS)
    before = address(photo(admin, "Again"))
    admin.goto("/admin/photos/photo/")
    row = admin.locator("#result_list tr", has_text="Again")
    assert width_of(row.locator("img")) == 480
    row.get_by_role("checkbox").check()
    admin.locator("select[name=action]").select_option("Make thumbnails again")
    admin.get_by_role("button", name="Go").click()
    expect(admin.get_by_text("Thumbnails being made: 1.")).to_be_visible()
    admin.goto("/")
    reload_until(admin, lambda: address(photo(admin, "Again")) != before)


def test_a_periodic_task_that_is_edited_in_the_admin_fires(admin):
    admin.goto("/")
    upload(admin, "Old")
    admin.goto("/admin/django_celery_beat/periodictask/")
    admin.get_by_role("link", name="Tidy up").click()
    with admin.expect_popup() as opened:
        admin.locator("#add_id_interval").click()
    popup = opened.value
    popup.get_by_label("Number of Periods").fill("1")
    popup.get_by_label("Interval Period").select_option("Seconds")
    with popup.expect_event("close"):
        popup.get_by_role("button", name="Save").click()
    expect(admin.get_by_label("Interval Schedule")).to_contain_text("every second")
    # Only once, so that other tests keep their pictures.
    admin.get_by_label("One-off Task").check()
    admin.get_by_text("Arguments", exact=True).click()
    admin.get_by_label("Keyword Arguments").fill('{"keep_hours": 0}')
    admin.get_by_role("button", name="Save", exact=True).click()
    expect(admin.get_by_text("was changed successfully")).to_be_visible()
    admin.goto("/")
    # The timer of the next minute.
    reload_until(admin, lambda: photo(admin, "Old").count() == 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_sticks_out(page, scheme, width):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    upload(page, "W" * 80)
    expect(photo(page, "W" * 80).first).to_be_visible()
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_colours_are_told_apart(page):
    """Text has at least the contrast that WCAG AA asks for, in both schemes."""
    upload(page, "Half", picture()[:2000])
    expect(photo(page, "Half").first).to_contain_text("not a picture", timeout=PATIENCE_MS)
    page.wait_for_load_state()
    for scheme in ["light", "dark"]:
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == []


START_WAITING = """photo => {
  photo.dataset.state = "waiting";
  document.dispatchEvent(new Event("visibilitychange"));
}"""

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
  return [...document.querySelectorAll("h1, a, p, span, strong, label, small, time, button, li")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .filter((e) => e.checkVisibility())
    .map((e) => [e.textContent.trim(), ratio(
      luminance(parse(getComputedStyle(e).color)), luminance(background(e)))])
    .filter(([, contrast]) => contrast < 4.5);
}"""
