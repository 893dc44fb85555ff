import { CloudError } from "../errors.ts";
import { page, required, restService } from "./rest.ts";

const CURRENCIES = ["RUB", "USD", "KZT"];

/** The list of prices, https://yandex.cloud/en/docs/billing/api-ref/Sku/list */
export const BILLING = restService("billing", [
  {
    on: "GET /billing/v1/skus",
    run: (call, { read }) => {
      if (read(({ faults }) => faults.denied?.includes("billing")))
        throw new CloudError("PermissionDenied", "Permission denied");
      if (!CURRENCIES.includes(required(call.query, "currency")))
        throw new CloudError("InvalidArgument", "currency: Invalid currency");
      const { items, ...next } = page(
        call,
        read(({ skus = [] }) => skus),
        ["id", "service_id"],
      );
      return { skus: items, ...next };
    },
  },
]);
