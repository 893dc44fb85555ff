/** @typedef {"en" | "ru"} Language */
/** @typedef {keyof typeof WORDS} Key */

/**
 * All words of the page by their keys: in English and in Russian. `{count}` stands for a value,
 * `{count:task|tasks}` for the word that goes with it: one and many in English; one, two and five
 * in Russian.
 */
export const WORDS = {
  "act.again": ["Run again", "Запустить снова"],
  "act.cancel": ["Cancel", "Отмена"],
  "act.copied": ["Copied", "Скопировано"],
  "act.copy": ["Copy", "Копировать"],
  "act.delete": ["Delete", "Удалить"],
  "act.edit": ["Edit and run", "Изменить и запустить"],
  "act.fire": ["Fire", "Запустить"],
  "act.fireTimer": ["Fire the timer {name} now", "Запустить таймер {name} сейчас"],
  "act.none": [
    "Nothing can be changed here: open the page with --act.",
    "Здесь можно только смотреть: чтобы менять, откройте страницу с --act.",
  ],
  "act.pause": ["Pause tasks", "Приостановить задачи"],
  "act.redrive": ["Send back to the queue", "Вернуть в очередь"],
  "act.refused": ["Not allowed to copy", "Копировать нельзя"],
  "act.resume": ["Resume", "Продолжить"],
  "act.run": ["Run", "Запустить"],
  "act.step": ["Run one", "Выполнить одну"],
  "copy.args": ["Copy the arguments", "Копировать аргументы"],
  "copy.id": ["Copy the id", "Копировать id"],
  "copy.result": ["Copy the result", "Копировать результат"],
  "copy.traceback": ["Copy the traceback", "Копировать traceback"],
  "dead.ask": [
    "Delete {count} {count:message|messages} of {name} for good?",
    "Удалить навсегда {count} {count:сообщение|сообщения|сообщений} {name}?",
  ],
  "dead.count": [
    "{count} {count:message|messages}",
    "{count} {count:сообщение|сообщения|сообщений}",
  ],
  "dead.empty": [
    "No dead letters: every task was delivered.",
    "Недоставленных сообщений нет: все задачи дошли.",
  ],
  "dead.more": ["and {count} more", "и ещё {count}"],
  "dead.noError": ["No error was recorded.", "Ошибка не записана."],
  "dead.oldest": ["oldest {ago} ago, {at}", "старейшему {ago}, {at}"],
  "dead.tasks": ["Which tasks", "Какие задачи"],
  "dead.title": ["Dead letters", "Недоставленные сообщения"],
  "detail.args": ["Arguments", "Аргументы"],
  "detail.back": ["All tasks", "Все задачи"],
  "detail.chosen": ["this task", "эта задача"],
  "detail.family": ["Family", "Связанные задачи"],
  "detail.log": ["Log", "Лог"],
  "detail.logEmpty": ["It has printed nothing.", "Задача ничего не вывела."],
  "detail.message": ["Message that is not Celery's", "Сообщение не от Celery"],
  "detail.missing": [
    "This task is not known, or no longer kept.",
    "Такой задачи нет, или данные о ней уже не хранятся.",
  ],
  "detail.none": ["none", "нет"],
  "detail.repeats": ["Repeats task", "Повторяет задачу"],
  "detail.result": ["Result", "Результат"],
  "detail.size": ["{size} of 256 KB", "{size} из 256 КБ"],
  "detail.story": ["What happened", "Что произошло"],
  "detail.traceback": [
    "Traceback, {count} {count:line|lines}",
    "Traceback, {count} {count:строка|строки|строк}",
  ],
  "detail.unknown": ["not known", "неизвестны"],
  "detail.why": ["Why it waits", "Почему ждёт"],
  "detail.whyFailed": ["Why it failed", "Почему не удалась"],
  "edit.args": ["Arguments, a JSON list", "Аргументы: список JSON"],
  "edit.hint": [
    "A new task with these arguments. Ctrl+Enter runs it.",
    "Новая задача с этими аргументами. Ctrl+Enter — запустить.",
  ],
  "edit.kwargs": ["Named arguments, a JSON object", "Именованные аргументы: объект JSON"],
  "empty.all": ["Show all tasks", "Показать все задачи"],
  "empty.copy": ["Copy the command", "Копировать команду"],
  "empty.filtered": ["No task like this.", "Таких задач нет."],
  "empty.first": ["No task yet.", "Задач пока нет."],
  "empty.how": [
    "Use your site, or run this in another terminal. Each task appears here as it happens: what it waits for, what it returns, why it fails.",
    "Откройте свой сайт или выполните это в другом терминале. Каждая задача появится здесь сразу: чего она ждёт, что вернула, почему не удалась.",
  ],
  "family.group": [
    "Group of {count} {count:task|tasks}: {ok} ok, {failed} failed, {open} not ended",
    "Группа из {count} {count:задачи|задач|задач}: {ok} готово, {failed} с ошибкой, {open} не окончено",
  ],
  "family.more": ["and {count} more", "и ещё {count}"],
  "family.stuck": [
    "Stuck: the end of a chord starts only when the whole group is ok, and {name} is not: {state}.",
    "Стоит: завершение chord запустится, только когда готова вся группа, а {name} — {state}.",
  ],
  "hour.asTable": ["As a table", "Таблицей"],
  "hour.chart": [
    "{what}: {now} in the last minute, most {most} at {at}",
    "{what}: за последнюю минуту {now}, больше всего {most} в {at}",
  ],
  "hour.chartFailed": [
    "{what}: {total} in all, most {most} at {at}",
    "{what}: всего {total}, больше всего {most} в {at}",
  ],
  "hour.chartNone": ["{what}: none", "{what}: нет"],
  "hour.count": ["Attempts", "Попыток"],
  "hour.failed": ["Failed", "С ошибкой"],
  "hour.median": ["Median", "Медиана"],
  "hour.minute": ["Minute", "Минута"],
  "hour.minuteText": [
    "{at}: {waiting} waiting, {running} running, {failed} failed",
    "{at}: ждут {waiting}, выполняются {running}, с ошибкой {failed}",
  ],
  "hour.name": ["Task", "Задача"],
  "hour.p95": ["95 % within", "95 % не дольше"],
  "hour.running": ["Running", "Выполняются"],
  "hour.times": ["Run times", "Время выполнения"],
  "hour.title": ["Last hour", "Последний час"],
  "hour.waiting": ["Waiting", "Ждут"],
  "is.dead": ["dead letter", "не доставлена"],
  "is.delayed": ["delayed", "отложена"],
  "is.done": ["done", "завершена"],
  "is.expired": ["expired", "устарела"],
  "is.failed": ["failed", "ошибка"],
  "is.hidden": ["held back", "придержана"],
  "is.ok": ["ok", "готова"],
  "is.retrying": ["retrying", "ждёт повтора"],
  "is.revoked": ["revoked", "отменена"],
  "is.running": ["running", "выполняется"],
  "is.waiting": ["waiting", "ждёт"],
  "json.array": ["This must be a list: [ ]", "Здесь нужен список: [ ]"],
  "json.at": [
    "Line {line}, column {column}: {problem}",
    "Строка {line}, столбец {column}: {problem}",
  ],
  "json.close": ["a comma or {close} is missing", "не хватает запятой или {close}"],
  "json.colon": ["a colon is missing", "не хватает двоеточия"],
  "json.end": ["nothing may follow here", "здесь всё должно закончиться"],
  "json.key": [
    'a name in double quotes is missing: "name"',
    'нужно имя в двойных кавычках: "name"',
  ],
  "json.number": [
    "this number is too large to be kept exactly; write it as text, in double quotes",
    "такое большое число исказится; напишите его текстом, в двойных кавычках",
  ],
  "json.object": ["This must be an object: { }", "Здесь нужен объект: { }"],
  "json.text": [
    "this text does not end, or holds a line break or a backslash as it is: write \\n, \\\\",
    "текст не закончен, или в нём сам перевод строки либо обратная черта: пишите \\n, \\\\",
  ],
  "json.value": [
    'a value is missing, as JSON writes it: "text", 12, true, null, [ ] or { }',
    'нужно значение, как его пишет JSON: "text", 12, true, null, [ ] или { }',
  ],
  "keys.all": [
    "all, waiting, running, failed, dead",
    "все, ждут, выполняются, с ошибкой, недоставлены",
  ],
  "keys.close": ["Close", "Закрыть"],
  "keys.find": ["find", "найти"],
  "keys.help": ["this help", "эта справка"],
  "keys.leave": ["close, or leave the field", "закрыть или выйти из поля"],
  "keys.new": ["show the new ones", "показать новые"],
  "keys.open": ["open the task", "открыть задачу"],
  "keys.rows": ["next, previous task", "следующая, предыдущая задача"],
  "keys.title": ["Keys", "Клавиши"],
  "list.args": ["Arguments", "Аргументы"],
  "list.changed": ["Changed", "Изменена"],
  "list.find": [
    "Find in names, ids, arguments and errors",
    "Искать в именах, id, аргументах и ошибках",
  ],
  "list.more": ["Show older tasks", "Показать более старые задачи"],
  "list.new": ["{count} new", "Новых: {count}"],
  "list.run": ["Run", "Выполнение"],
  "list.state": ["State", "Состояние"],
  "list.task": ["Task", "Задача"],
  "list.title": ["Tasks", "Задачи"],
  "list.wait": ["Wait", "Ожидание"],
  "list.waitHidden": ["{time}, of it {hidden} held back", "{time}, из них {hidden} придержана"],
  "live.connecting": ["Connecting", "Подключение"],
  "live.lost": [
    "Disconnected. Last seen at {at}. Trying again.",
    "Нет связи. Последние данные в {at}. Пробуем снова.",
  ],
  "live.never": ["Disconnected. Trying again.", "Нет связи. Пробуем снова."],
  "live.on": ["Live", "На связи"],
  "live.paused": ["Live, tasks are paused", "На связи, задачи приостановлены"],
  "means.dead": [
    "given up: it lies among the dead letters, and can be sent back",
    "попытки исчерпаны: сообщение среди недоставленных, его можно вернуть",
  ],
  "means.delayed": ["its countdown is not over", "её отсрочка не истекла"],
  "means.done": ["ended; its result is not known", "завершена, результат неизвестен"],
  "means.expired": ["too old when its turn came", "устарела, пока ждала"],
  "means.failed": ["ended with an error", "завершилась ошибкой"],
  "means.hidden": [
    "its delivery failed; the queue gives it again later",
    "доставка не удалась; очередь отдаст её позже",
  ],
  "means.ok": ["ended well", "завершилась успешно"],
  "means.retrying": ["Celery runs it again later", "Celery выполнит её ещё раз"],
  "means.revoked": ["taken back before it ran", "отозвана до запуска"],
  "means.running": ["a container executes it", "выполняется в контейнере"],
  "means.show": [
    "“Failed” counts what failed, is held back, or is dead.",
    "«С ошибкой» — не удались, придержаны или не доставлены.",
  ],
  "means.title": ["States", "Состояния"],
  "means.waiting": ["in the queue", "в очереди"],
  "panel.busy": ["{busy} of {count} busy", "занято {busy} из {count}"],
  "panel.containers": ["Containers", "Контейнеры"],
  "panel.counts": [
    "{waiting} waiting, {flight} in flight, {delayed} delayed",
    "ждут {waiting}, в работе {flight}, отложены {delayed}",
  ],
  "panel.dead": [
    "{count} {count:dead letter|dead letters}",
    "{count} {count:недоставленное|недоставленных|недоставленных}",
  ],
  "panel.due": ["next {at}", "следующий в {at}"],
  "panel.last": ["last answer {status}", "последний ответ {status}"],
  "panel.memory": ["{size} of {limit}", "{size} из {limit}"],
  "panel.paused": ["Paused: no task is started.", "Приостановлено: задачи не запускаются."],
  "panel.queues": ["Queues", "Очереди"],
  "panel.timers": ["Timers", "Таймеры"],
  "panel.title": ["Runs here", "Что работает"],
  "show.all": ["All", "Все"],
  "show.dead": ["Dead", "Недоставлены"],
  "show.failed": ["Failed", "С ошибкой"],
  "show.label": ["Which tasks", "Какие задачи"],
  "show.running": ["Running", "Выполняются"],
  "show.waiting": ["Waiting", "Ждут"],
  "step.answer": ["answer {status}", "ответ {status}"],
  "step.attempt": ["Attempt {count}", "Попытка {count}"],
  "step.attemptIn": ["Attempt {count} in {container}", "Попытка {count} в {container}"],
  "step.client": ["taken by a client, not by the trigger", "забрал клиент, а не триггер"],
  "step.delivery": ["delivery {count} of this message", "доставка {count} этого сообщения"],
  "step.due": ["until {at}", "до {at}"],
  "step.ended": ["Ended: {state}", "Итог: {state}"],
  "step.gap": ["{time} of which nothing is known", "{time} — ничего не известно"],
  "step.running": ["running for {time}", "выполняется {time}"],
  "step.sent": ["Sent", "Отправлена"],
  "step.sentTo": ["Sent to the queue {queue}", "Отправлена в очередь {queue}"],
  "step.took": ["took {time}", "заняла {time}"],
  "step.twice": [
    "It may run twice: this takes longer than the queue keeps its message hidden.",
    "Может выполниться дважды: это дольше, чем очередь скрывает сообщение.",
  ],
  "step.waited": ["Waited {time}", "Ожидание {time}"],
  "tree.fields": ["{count} {count:field|fields}", "{count} {count:поле|поля|полей}"],
  "tree.items": ["{count} {count:item|items}", "{count} {count:элемент|элемента|элементов}"],
  "tree.text": ["Text, {size}", "Текст, {size}"],
  "unit.b": ["{count} {count:byte|bytes}", "{count} {count:байт|байта|байт}"],
  "unit.d": ["{count} d", "{count} д"],
  "unit.h": ["{count} h", "{count} ч"],
  "unit.kb": ["{count} KB", "{count} КБ"],
  "unit.mb": ["{count} MB", "{count} МБ"],
  "unit.min": ["{count} min", "{count} мин"],
  "unit.ms": ["{count} ms", "{count} мс"],
  "unit.s": ["{count} s", "{count} с"],
  "verdict.busy": [
    "{count} {count:task waits|tasks wait}, and more come than are done.",
    "{count} {count:задача ждёт|задачи ждут|задач ждут}: приходит больше, чем выполняется.",
  ],
  "verdict.failed": [
    "{failed} of {count} {count:task|tasks} failed in the last hour, none in the last ten minutes.",
    "За час с ошибкой {failed} из {count} {count:задачи|задач|задач}, за последние десять минут — ни одной.",
  ],
  "verdict.failing": [
    "{count} {count:task has|tasks have} failed in the last ten minutes.",
    "За последние десять минут с ошибкой {count} {count:задача|задачи|задач}.",
  ],
  "verdict.ok": [
    "All is well: {count} {count:task|tasks} in the last hour, none failed.",
    "Всё хорошо: {count} {count:задача|задачи|задач} за час, ни одной ошибки.",
  ],
  "verdict.quiet": [
    "Nothing happened in the last hour.",
    "За последний час ничего не происходило.",
  ],
  "verdict.stuck": [
    "{count} {count:task waits|tasks wait}, and nothing has run for ten minutes.",
    "{count} {count:задача ждёт|задачи ждут|задач ждут}, и десять минут ничего не выполняется.",
  ],
  "view.dead": ["Dead letters", "Недоставленные"],
  "view.hour": ["Last hour", "Последний час"],
  "view.label": ["Views", "Разделы"],
  "view.tasks": ["Tasks", "Задачи"],
  "wait.batch": ["the trigger has it, and gathers more", "триггер забрал её и добирает пачку"],
  "wait.capacity": [
    "the container was busy with other tasks",
    "контейнер был занят другими задачами",
  ],
  "wait.delay": [
    "its countdown, or the delay of the queue",
    "её отсрочка (countdown, eta) или задержка очереди",
  ],
  "wait.field": ["decided by {field} in config.ts", "задаёт {field} в config.ts"],
  "wait.hidden": [
    "its delivery failed, and the queue holds it back until the visibility timeout is over",
    "доставка не удалась, и очередь придержит сообщение, пока не истечёт visibility timeout",
  ],
  "wait.paused": [
    "tasks are paused until Resume",
    "задачи приостановлены, пока не нажмут «Продолжить»",
  ],
  "wait.queue": ["in the queue until it is taken", "в очереди, пока её не заберут"],
  "wait.retry": ["Celery pauses before the next attempt", "Celery выжидает перед новой попыткой"],
};

/** Plural categories in the order in which the words stand. */
const PLURALS = { en: ["one", "other"], ru: ["one", "few", "many"] };
const RULES = { en: new Intl.PluralRules("en"), ru: new Intl.PluralRules("ru") };

/**
 * The text of a key with its values, in the language of the page.
 *
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} [values]
 */
export function t(key, values = {}) {
  return say(language(), key, values);
}

/** The language of the page: `lang` in its hash, or what the browser prefers. */
export function language() {
  return languageOf(location.hash, navigator.language);
}

/**
 * @param {string} hash
 * @param {string} preferred
 * @returns {Language}
 */
export function languageOf(hash, preferred) {
  const wanted = /[#&]lang=([^&]*)/.exec(hash)?.[1] ?? preferred;
  return /^ru\b/i.test(wanted) ? "ru" : "en";
}

/**
 * @param {Language} language
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} [values]
 */
export function say(language, key, values = {}) {
  const pattern = WORDS[key][language === "en" ? 0 : 1] ?? "";
  return pattern.replace(/\{(\w+)(?::([^}]*))?\}/g, (_, /** @type {string} */ name, forms) => {
    const value = values[name] ?? "";
    if (forms !== undefined) return formOf(forms.split("|"), Number(value), language);
    return typeof value === "number" ? number(value, language) : value;
  });
}

/**
 * @param {string[]} forms
 * @param {number} count
 * @param {Language} language
 */
function formOf(forms, count, language) {
  return forms[PLURALS[language].indexOf(RULES[language].select(count))] ?? forms.at(-1) ?? "";
}

/** What stands before the decimals, and between thousands. */
const MARKS = { en: [".", ","], ru: [",", "\u00a0"] };

/**
 * As `Intl.NumberFormat` writes it, whose first use takes a tenth of the time in which the page opens.
 *
 * @param {number} value
 * @param {Language} [language]
 * @param {0 | 1} [digits] decimals at most
 */
export function number(value, language = "en", digits = 0) {
  const [point = "", thousands = ""] = MARKS[language];
  const [whole = "", decimals = ""] = value.toFixed(digits).replace(/\.0$/, "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, thousands);
  return decimals === "" ? grouped : `${grouped}${point}${decimals}`;
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * A length of time in at most two units: `20 ms`, `3.4 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`.
 *
 * @param {number} ms
 * @param {Language} [as]
 */
export function duration(ms, as = language()) {
  if (ms < 999.5) return say(as, "unit.ms", { count: Math.max(0, Math.round(ms)) });
  if (ms < 9950) return say(as, "unit.s", { count: number(ms / 1000, as, 1) });
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600)
    return units(as, ["unit.min", Math.floor(seconds / 60)], ["unit.s", seconds % 60]);
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440)
    return units(as, ["unit.h", Math.floor(minutes / 60)], ["unit.min", minutes % 60]);
  const hours = Math.round(minutes / 60);
  return units(as, ["unit.d", Math.floor(hours / 24)], ["unit.h", hours % 24]);
}

/**
 * @param {Language} as
 * @param {[Key, number][]} parts
 */
function units(as, ...parts) {
  return parts
    .filter(([, count]) => count > 0)
    .map(([key, count]) => say(as, key, { count }))
    .join(" ");
}

/**
 * `812 bytes`, `1.2 KB` (of 1,024 bytes), `3.4 MB`.
 *
 * @param {number} bytes
 * @param {Language} [as]
 */
export function size(bytes, as = language()) {
  if (bytes < 1024) return say(as, "unit.b", { count: bytes });
  const kilobytes = bytes / 1024;
  if (kilobytes < 1023.95) return say(as, "unit.kb", { count: number(kilobytes, as, 1) });
  return say(as, "unit.mb", { count: number(kilobytes / 1024, as, 1) });
}

/**
 * A time of today as `12:04:31`, of another day with its date.
 *
 * @param {number} at
 * @param {Language} [as]
 */
export function clock(at, as = language(), now = Date.now()) {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return time(at, isToday ? CLOCK : { ...CLOCK, day: "numeric", month: "short" }, as);
}

/**
 * @param {number} at
 * @param {Language} [as]
 */
export function minute(at, as = language()) {
  return time(at, { ...CLOCK, second: undefined }, as);
}

/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

/**
 * @param {number} at
 * @param {Intl.DateTimeFormatOptions} options
 * @param {Language} as
 */
function time(at, options, as) {
  const key = `${as}${options.day}${options.second}`;
  const locale = as === "en" ? "en-GB" : "ru";
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, known);
  return known.format(at);
}
