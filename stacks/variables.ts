// What the commands pass to a stack, apart from the image. Here, since importing a stack takes the
// framework along, which needs a second to load.

/** The variable of stack `app` that stands for looking up the certificate. */
export const CERTIFICATE_VARIABLE = "certificate";
