"""The work itself. Nothing here knows what executes it."""

from time import sleep

from shop.celery import app


@app.task
def count_primes(start, stop):
    """Primes in ``start <= n < stop``."""
    sieve = bytearray([1]) * max(stop, 2)
    sieve[0] = sieve[1] = 0
    for n in range(2, int(stop**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, len(sieve), n)))
    return sum(sieve[start:stop])


@app.task
def add_up(numbers):
    return sum(numbers)


@app.task(bind=True)
def read_orders(self, count):
    """Prices in kopecks, one by one, saying how far it is."""
    prices = []
    for number in range(count):
        report(self, number, count)
        sleep(0.15)
        prices.append(19_900 + number * 1_250)
    return prices


@app.task(bind=True)
def compare_orders(self, prices):
    best = 0
    for number, price in enumerate(prices):
        report(self, number, len(prices))
        sleep(0.15)
        best = max(best, price)
    return {"count": len(prices), "total": sum(prices), "best": best}


@app.task
def write_report(found):
    sleep(0.5)
    total, best = found["total"] / 100, found["best"] / 100
    return f"{found['count']} orders, {total:,.2f} in total, the largest {best:,.2f}"


@app.task(bind=True, autoretry_for=(ConnectionError,), max_retries=2, default_retry_delay=2)
def ask_supplier(self, answers_at):
    """Fails until it is asked for the ``answers_at``-th time; Celery asks three times."""
    attempt = self.request.retries + 1
    if attempt < answers_at:
        raise ConnectionError(f"The supplier does not answer (attempt {attempt})")
    return f"The supplier answered at attempt {attempt}"


@app.task
def remind(name):
    return f"{name}, it is time"


def report(task, done, total):
    task.update_state(state="PROGRESS", meta={"done": done, "total": total})
