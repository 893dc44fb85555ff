// What the commands pass to a stack, apart from the image. Here, since importing a stack takes the
// framework along, which needs a second to load.

/** The variable of stack `app` that stands for looking up the certificate. */
export const CERTIFICATE_VARIABLE = "certificate";

/** The variable of stack `app` that says who may run commands of `manage.py`. */
export const CALLER_VARIABLE = "caller";

/** The variable of stack `data` that says in which folder its bucket is, unless `config.ts` does. */
export const FOLDER_VARIABLE = "folder_id";
